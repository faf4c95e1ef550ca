#!/usr/bin/env bash
# doctor finds what is wrong and says what to do; each finding is provoked, and a sound machine has none.
. "$(dirname "$0")/common.sh"
port=$(free_port)
ENDPOINT=tcp://127.0.0.1:$port
city east west
here() { "$BIN/suanpan" -c aggregator.yaml --lang en --format csv doctor "$@" >last.out 2>last.err; status=$?; }
there() { "$BIN/suanpan-collector" --config east.yaml --doctor --lang en >last.out 2>last.err; status=$?; }
day() { TZ=Asia/Shanghai date -d "$1 days" +%F; }
provoked=0
finds() { # pattern, what
    provoked=$((provoked + 1))
    expect_in last.out "$1" "$2"
}
cure() { rm -rf "$1" && cp -a "$1.sound" "$1"; }
for each in keys agents.csv aggregator.yaml east.yaml catalogue; do cp -a $each $each.sound; done

here
expect_status 0 "a sound aggregator before its first start"
grep -q ',error,' last.out && fail "an error on a sound machine"
expect_in last.out '^check,state,subject,detail,advice$' "columns"
finds '^store,ok,.*first start makes it' "no store yet"
start_aggregator
printf 'element,unit,period,value\nhomes,a1,2020-01,12\n' | put east jan.csv
collect east
expect_status 0
here --collector east.yaml
expect_status 0 "a running aggregator and its collector"
expect_in last.out '^store,ok,.*in use by an aggregator, 1 entries' "the store is in use"
there
expect_status 0 "the collector by itself"
expect_in last.out '^outbox,ok,.*0 batches wait' "its outbox"
"$BIN/suanpan" -c aggregator.yaml --lang zh --format csv doctor >zh.out
expect_in zh.out '^store,ok,.*正被汇总端使用' "the same in Chinese"
"$BIN/suanpan" -c aggregator.yaml --format json doctor | grep -q '"check"' || fail "json"

say "keys"
chmod 644 keys/aggregator.key && here
expect_status 1 "an error is exit 1"
finds '^keys,error,.*aggregator.key,.*others can read' "a secret that others can read"
rm keys/aggregator.key && here
finds '^keys,error,.*aggregator.key' "a secret that is missing"
cure keys
"$BIN/suanpan" keygen other east >/dev/null && cp other/east.pub keys/east.pub && here --collector east.yaml
finds '^keys,error,.*east.pub,.*does not belong to' "a pair that does not match"
finds '^keys,error,east,.*is not in' "a key that agents.csv does not know"
cure keys
chmod 777 keys && here
finds '^keys,warn,.*others can write the folder' "a folder where others can put a key"
cure keys
cp other/east.pub keys/aggregator.pub && here --collector east.yaml
finds '^keys,error,.*aggregator.pub,.*not the public key of the aggregator' "another aggregator's key"
cure keys
sed -i '/^east,/s/active/revoked/' agents.csv && here --collector east.yaml
finds '^keys,warn,east,.*revoked' "an agent whose only key is revoked"
cure agents.csv
printf 'agent,scope,pub,status,valid_to\neast,A,keys/east.pub,active,%s\nwest,B,keys/west.pub,active,%s\n' "$(day 5)" "$(day -5)" >agents.csv
here
finds "^keys,warn,east,.*expires on $(day 5)" "a key that expires soon"
finds "^keys,error,west,.*expired on $(day -5)" "an expired key"
sed -i 's#keys/west.pub#keys/aggregator.pub#' agents.csv && here
finds "^keys,error,west,.*aggregator's own key" "an agent with the aggregator's key"
sed -i 's/^west/east-2/' agents.csv && sed -i 's/^agent: east/agent: west/' east.yaml && here --collector east.yaml
finds '^keys,error,west,.*belongs to' "a collector under another name"
echo 'east,A,keys/none.pub,active,' >>agents.csv && here
finds '^keys,error,.*agents.csv,.*none.pub' "agents.csv that cannot be read"
cure agents.csv && cure east.yaml

say "settings and catalogue"
echo 'nonsense: 1' >>aggregator.yaml && here
finds '^settings,error,.*nonsense' "settings that are wrong"
cure aggregator.yaml
cp -r catalogue elsewhere && sed -i '2s/$/ /' elsewhere/units.csv && sed -i 's/^catalogue: .*/catalogue: elsewhere/' east.yaml && here --collector east.yaml
finds '^catalogue,error,.*not the catalogue the aggregator has' "another catalogue at the collector"
cure east.yaml
echo 'security: none' >>east.yaml && sed -i "s#tcp://127.0.0.1:$port#ipc://$PLACE/plain.sock#" east.yaml && here --collector east.yaml
finds '^settings,error,east.yaml,.*security' "a collector without encryption at an aggregator that wants it"
cure east.yaml
sed -i 's#Asia/Shanghai#Asia/Nowhere#' catalogue/datapackage.json && here
finds '^(clock|catalogue),error,.*Asia/Nowhere' "a time zone this machine does not know"
cure catalogue
rm catalogue/units.csv && here
finds '^catalogue,error,' "a catalogue that cannot be used"
cure catalogue

say "clock, locale, limits"
sqlite3 data/suanpan.db "UPDATE agent SET clock_skew_ms = 400000 WHERE agent = 'east'" && here
finds '^clock,warn,east,.*400 seconds off' "an agent's clock"
# A sanitizer does not share the preload.
if command -v faketime >/dev/null && release_only; then
    faketime '2001-02-03 04:05:06' "$BIN/suanpan" -c aggregator.yaml --lang en --format csv doctor >last.out
    finds '^clock,error,system,.*before 20' "a clock that fell back"
    if [ -r /sys/class/rtc/rtc0/since_epoch ]; then
        faketime -f +400d "$BIN/suanpan" -c aggregator.yaml --lang en --format csv doctor >last.out
        finds '^clock,warn,rtc0,' "a battery clock that says otherwise"
    fi
fi
LC_ALL=C "$BIN/suanpan" -c aggregator.yaml --lang en --format csv doctor >last.out
finds '^locale,warn,.*ANSI' "a locale without Chinese"
(ulimit -n 60 && here && cp last.out limits.out)
cp limits.out last.out
finds '^limits,error,RLIMIT_NOFILE,.*at most 60 files' "too few descriptors"

say "ports and sockets"
kill_aggregator
here
finds '^ports,warn,ipc:.*query.sock,.*nobody listens there' "a socket that was left behind"
there
finds "^ports,error,tcp://127.0.0.1:$port,cannot reach" "an aggregator that is away"
expect_status 1 "that is an error"
"$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >/dev/null 2>>aggregator.log &
aggregator_pid=$!
wait_for 20 "it to listen" bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
cp -r data unheld && sed 's#sqlite:data/#sqlite:unheld/#' aggregator.yaml.sound >aggregator.yaml && here
finds "^ports,error,tcp://127.0.0.1:$port,another program listens" "a port that is taken"
cure aggregator.yaml
stop_aggregator
sed -i "s#collectors: .*#collectors: tcp://127.0.0.1:80#" aggregator.yaml && here
finds '^ports,(warn|error),tcp://127.0.0.1:80,.*below 1024' "a privileged port"
low=$(cut -f1 /proc/sys/net/ipv4/ip_local_port_range)
sed -i "s#collectors: .*#collectors: tcp://127.0.0.1:$((low + 5))#" aggregator.yaml && here
finds '^ports,warn,.*gives out by itself' "a port the kernel may give away"
cure aggregator.yaml
rm -f data/query.sock && : >data/query.sock && here
finds '^ports,error,ipc:.*some other file' "a file in a socket's place"
rm data/query.sock

say "disk, store and outbox"
if [ -w /dev/shm ] && [ "$(stat -f -c %T /dev/shm)" = tmpfs ]; then
    memory=$(mktemp -d /dev/shm/suanpan.XXXXXX)
    sed -i "s#^store: .*#store: sqlite:$memory/suanpan.db#" aggregator.yaml && here
    finds '^disk,warn,.*lies in memory' "a disk that is none"
    rmdir "$memory"
    cure aggregator.yaml
fi
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=8m none small 2>/dev/null; then
    sed -i "s#^store: .*#store: sqlite:small/suanpan.db#" aggregator.yaml && here
    finds '^disk,error,.*only [0-9]+ MiB' "a disk that is nearly full"
    mount -o remount,ro small
    here
    finds '^disk,error,.*cannot be written' "a disk that cannot be written"
    umount small
    cure aggregator.yaml
fi
cp -r outbox outbox.sound
printf 'x' | dd of=outbox/east/outbox.db bs=1 seek=4096 count=1 conv=notrunc 2>/dev/null
dd if=/dev/urandom of=outbox/east/outbox.db bs=1024 seek=4 count=4 conv=notrunc 2>/dev/null
there
finds '^outbox,error,.*damaged' "a damaged outbox"
rm -rf outbox && cp -r outbox.sound outbox
sqlite3 outbox/east/outbox.db 'PRAGMA application_id = 7; DROP TABLE known' && there
finds '^outbox,error,' "a database that is no outbox"
rm -rf outbox && cp -r outbox.sound outbox
sed -i 's#^outbox: .*#outbox: outbox/east#' west.yaml && "$BIN/suanpan-collector" --config west.yaml --doctor --lang en >last.out
finds '^outbox,error,.*east' "another agent's outbox"
"$BIN/suanpan-collector" --config east.yaml --lang en 2>east.log &
background_pids=$!
wait_for 10 "the service to start" grep -q collector_started east.log
there
finds "^outbox,ok,.*in use by process $background_pids" "who holds the outbox"
kill -TERM $background_pids && wait $background_pids
background_pids=''
truncate -s 300M outbox/east/outbox.db-wal && there
finds '^outbox,warn,.*outbox.db-wal,.*300 MiB' "a log of the outbox that is never written back"
rm outbox/east/outbox.db-wal
truncate -s 300M data/suanpan.db-wal && here
finds '^store,warn,.*suanpan.db-wal,.*300 MiB' "a log of the store that is never written back"
rm data/suanpan.db-wal
cp data/suanpan.db sound.db
dd if=/dev/urandom of=data/suanpan.db bs=4096 seek=3 count=2 conv=notrunc 2>/dev/null
here
finds '^store,error,' "a damaged store"
cp sound.db data/suanpan.db
here
expect_status 0 "everything is put right"
[ $provoked -ge 30 ] || fail "only $provoked findings were provoked"
