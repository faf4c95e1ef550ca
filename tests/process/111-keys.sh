#!/usr/bin/env bash
# The life of keys: not yet valid, valid, expired (also over an open connection, when the day turns), replaced without losing a
# row, and the aggregator's own key replaced.
. "$(dirname "$0")/common.sh"
city east west
day() { TZ=Asia/Shanghai date -d "$1 days" +%F; }
month() { printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3.csv"; }
dates() { # agent from to : in agents.csv
    [ "$(head -n 1 agents.csv)" = agent,scope,pub,status,valid_from,valid_to ] ||
        sed -i '1s/.*/agent,scope,pub,status,valid_from,valid_to/; 2,$s/\(active\|revoked\)$/\1,,/' agents.csv
    sed "/^$1,/s/active,.*/active,$2,$3/" agents.csv >agents.new && mv agents.new agents.csv
}
reloaded() { [ "$(grep -c agents_reloaded aggregator.log)" -gt "$reloads" ]; }
change() { # what, command... : agents.csv, and the aggregator has read it
    reloads=$(grep -c agents_reloaded aggregator.log)
    "${@:2}"
    wait_for 10 "$1 to be noticed" reloaded
}
figure() { ask query homes --unit "$1" --period 2020 && cut -d, -f5 <(sed 1d last.out); }

dates east "$(day 3)" ''
start_aggregator
expect_in aggregator.log "key_not_yet_valid .*reason=.*east.*$(day 3)" "a key that is not valid yet is said"
month east a1 01 1
collect east --timeout 3
expect_status 4 "and lets nobody in"
change "today as the first day" dates east "$(day 0)" ''
collect east --timeout 20
expect_status 0 "from its first day on it does"
change "a last day that is near" dates east '' "$(day 5)"
expect_in aggregator.log "key_expires_soon .*reason=.*east.*$(day 5)" "a last day within a month is said"
month east a1 02 2
collect east
expect_status 0 "until then it is as good as any"
change "a last day that is over" dates east '' "$(day -1)"
expect_in aggregator.log "key_expired .*reason=.*east.*$(day -1)" "an expired key is said"
month east a1 03 4
collect east --timeout 3
expect_status 4 "and is refused like one nobody knows"
[ "$(figure A)" = 3 ] || fail "something was taken under an expired key: $(figure A)"

say "a new key beside the old one, without losing a row"
keys_of east.2
sed 's/^agent: east.2/agent: east/; s#^outbox: .*#outbox: outbox/east#; s#inbox/east.2#inbox/east#' east.2.yaml >east2.yaml
two_keys() { dates east '' "$(day 0)" && echo "east,A,keys/east.2.pub,active,$(day 0)," >>agents.csv; }
change "the second key" two_keys
collect east
expect_status 0 "what waited is delivered under the old key"
month east a1 04 8
"$BIN/suanpan-collector" --config east2.yaml --lang en >east2.out 2>east2.log &
service=$!
background_pids=$service
arrived() { [ "$(figure A)" = "$1" ]; }
wait_for 20 "the first ack under the new key" arrived 15
say "the new key delivers"
revoke_old() { sed -i '/keys.east\.pub/s/active/revoked/' agents.csv; }
change "the old key revoked" revoke_old
month east a1 05 16
wait_for 20 "the next file over the same connection" arrived 31
"$BIN/suanpan-collector" --config east.yaml --once --timeout 2 --lang en >last.out 2>last.err
[ $? -eq 4 ] || fail "the outbox is held by the service, so the old key had no chance"
kill -TERM $service && wait $service
background_pids=''
month east a1 06 32
collect east --timeout 3
expect_status 4 "the old key is out"
"$BIN/suanpan-collector" --config east2.yaml --once --lang en >last.out 2>last.err || fail "the new key is in"
arrived 63 || fail "a row was lost or counted twice while the key was replaced: $(figure A)"
say "nothing was lost, nothing counted twice"

say "the day turns over an open connection"
preload=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -n 1)
if [ -n "$preload" ] && [ $preset != tsan ]; then
    change "tonight as the last moment" dates west '' "$(day 0)"
    stop_aggregator
    midnight=$(TZ=Asia/Shanghai date -d "$(day 1) 00:00:00" +%s)
    ready_before=$(grep -c ' ready ' aggregator.log)
    later=$((midnight - $(date +%s) - 12)) # asked without the preload
    LD_PRELOAD=$ahead$preload FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME="+${later}s" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >>aggregator.out 2>>aggregator.log &
    aggregator_pid=$!
    wait_for 20 "the aggregator under another clock" count_ready
    month west b1 01 1
    "$BIN/suanpan-collector" --config west.yaml --lang en >west.out 2>west.log &
    background_pids=$!
    wait_for 20 "the last midnight to pass" grep -q 'key_expired .*west' aggregator.log
    month west b1 02 2
    wait_for 20 "the service to be refused over its connection" grep -q 'revoked' west.log
    kill -TERM $background_pids && wait $background_pids
    background_pids=''
    kill_aggregator
    start_aggregator
    collect west
    expect_status 0 "the clock is right again, and so is the key: what waited arrives"
    [ "$(figure B)" = 3 ] || fail "west has $(figure B), not 3"
    say "nothing of it was lost"
else
    say "(not here: libfaketime is not installed, or the thread sanitizer would have to share the preload with it)"
fi

say "the aggregator's own key is replaced"
"$BIN/suanpan" keygen keys aggregator.2 >/dev/null
stop_aggregator
sed -i 's#keys/aggregator.key#keys/aggregator.2.key#' aggregator.yaml
start_aggregator
month west b1 07 4
collect west --timeout 3
expect_status 4 "a collector that knows only the old one waits"
sed -i 's#keys/aggregator.pub#keys/aggregator.2.pub#' west.yaml east2.yaml
month east a1 07 64
"$BIN/suanpan-collector" --config east2.yaml --once --lang en >last.out 2>last.err || fail "east under the new key of the aggregator"
collect west
expect_status 0 "with the new one it delivers"
grep -qE 'ledger_' last.err && fail "the witness takes another key for another ledger"
say "and what it kept under the old key still holds"
month west b1 08 8
collect west
grep -qE 'ledger_' last.err && fail "an alarm after the new key"
ask verify --full
expect_status 0 "the ledger proves itself over the change"
mkdir public && cp keys/*.pub public
"$BIN/suanpan" -c aggregator.yaml ledger export exported >last.out 2>last.err || fail "ledger export"
"$BIN/suanpan" --lang en --format csv ledger verify exported --keys public >last.out 2>last.err ||
    fail "with the public keys, later ones by their number: $(cat last.out)"
rm public/east.2.pub
"$BIN/suanpan" --lang en --format csv ledger verify exported --keys public >last.out 2>last.err && fail "a key that was not given is believed"
expect_in last.out '^signatures,bad,.*east' "whose key is missing is said"
counts faults=6 records=$(($(figure A) + $(figure B))) lost=0 doubled=0 seed=0
