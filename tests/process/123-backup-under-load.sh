#!/usr/bin/env bash
# Backups while data streams in: each is proved, each can be restored and then says exactly what the ledger said at its entry.
# Backups that are killed or run into a full disk leave nothing under their name and disturb nothing.
. "$(dirname "$0")/common.sh"
city east
rounds=$(tier 10 200)
seed=${SUANPAN_SEED:-$RANDOM}
RANDOM=$seed
echo "SUANPAN_SEED=$seed"
start_aggregator
"$BIN/suanpan-collector" --config east.yaml --lang en >east.out 2>east.log & background_pids=$!
collector=$background_pids
file() { # number: month number of a1, number of a2; each of its own
    { echo element,unit,period,value
      awk -v n="$1" 'BEGIN { for (m = 1; m <= 12; m++) for (u = 1; u <= 2; u++) printf "homes,a%d,%d-%02d,%d\n", u, 1900 + n % 300, m, n }'
    } | put east "$(printf %05d "$1").csv"
}
feed() { local n=0; while :; do n=$((n + 1)); file $n; sleep 0.05; done; }
feed & feeder=$!
background_pids="$background_pids $feeder"
mkdir backups
entry_of() { sed -n 2p "$1/backup.txt"; }
wait_for 20 "the first entries" test -s outbox/east/outbox.db
some() { ask status && [ "$(sqlite3 'file:data/suanpan.db?mode=ro' 'SELECT count(*) FROM ledger')" -gt 2 ]; }
wait_for 20 "the first entries" some
whole() { "$BIN/suanpan" --store "sqlite:$1/suanpan.db" verify >last.out 2>&1 && [ -s "$1/backup.txt" ]; }
killed=0
for ((round = 1; round <= rounds; round++)); do
    # One that is killed somewhere on its way ...
    "$BIN/suanpan" -c aggregator.yaml backup backups/killed >/dev/null 2>&1 & victim=$!
    sleep "0.0$((RANDOM % 60))"
    kill -9 $victim 2>/dev/null
    if wait $victim 2>/dev/null; then rm -rf backups/killed
    else
        killed=$((killed + 1))
        # ... has its name only when it is whole.
        [ ! -e backups/killed ] || whole backups/killed || fail "a killed backup has its name and is not whole"
        rm -rf backups/killed
    fi
    ask backup "backups/$round"
    expect_status 0 "backup $round"
    [ ! -e "backups/$round.partial" ] || fail "something was left of backup $round"
done
rm -rf backups/killed.partial
say "$rounds backups while data came in, $killed killed on their way"
kill $feeder; wait $feeder 2>/dev/null
entries() { sqlite3 'file:data/suanpan.db?mode=ro' 'SELECT count(*) FROM ledger'; }
all() { [ -z "$(find inbox/east -maxdepth 1 -name '*.csv')" ] && [ "$(entries)" -eq "$(find inbox/east/done -name '*.csv' | wc -l)" ]; }
wait_for 60 "everything to arrive" all
fed=$(entries)

say "a disk too small for it"
mkdir small
if mount -t tmpfs -o size=256k none small 2>/dev/null; then
    ask backup small/one
    expect_status 1 "the disk is full"
    expect_in last.err 'is full' "which is said"
    [ -z "$(ls -A small)" ] || { ls -A small; umount small; fail "something was left on the small disk"; }
    umount small
    say "nothing is left there"
fi

kill $collector; wait $collector 2>/dev/null; background_pids=''
stop_aggregator
sqlite3 data/suanpan.db "SELECT entry, hex(hash) FROM ledger" >ledger.txt
lost=0 doubled=0
compare() { # entry: what is too little and too much in the store, against the ledger up to there
    head -n "$1" ledger.txt | sort >wanted.txt
    sqlite3 data/suanpan.db "SELECT entry, hex(hash) FROM ledger" | sort >found.txt
    lost=$((lost + $(comm -23 wanted.txt found.txt | wc -l)))
    doubled=$((doubled + $(comm -13 wanted.txt found.txt | wc -l)))
}
for ((round = 1; round <= rounds; round++)); do
    "$BIN/suanpan" -c aggregator.yaml --lang en --format csv restore "backups/$round" --force >last.out 2>last.err ||
        fail "backup $round cannot be restored"
    "$BIN/suanpan" --store sqlite:data/suanpan.db verify >verify.out 2>&1 || fail "restored from backup $round it is not sound"
    compare "$(entry_of "backups/$round")"
    rm -rf data/*.before-*
done
say "each was restored, is sound, and holds the ledger up to its entry, no more and no less"
# Controls: a restored store that lacks an entry and one that has another's, a backup without its statement, one cut off.
cp -r data sound && cp -r backups/1 lame
before="$lost $doubled"
sqlite3 data/suanpan.db "DELETE FROM ledger WHERE entry = 2; UPDATE ledger SET hash = randomblob(32) WHERE entry = 1" || fail "sqlite3"
compare "$(entry_of "backups/$rounds")"
[ $((lost - ${before% *})) -eq 2 ] && [ $((doubled - ${before#* })) -eq 1 ] || fail "control: of two wrong entries $lost and $doubled are noticed"
lost=${before% *} doubled=${before#* }
rm -rf data && mv sound data
rm lame/backup.txt
whole lame && fail "control: a backup without its statement passes"
cp backups/1/backup.txt lame/ && truncate -s -8192 lame/suanpan.db
whole lame && fail "control: a backup that is cut off passes"
start_aggregator
file 99999
collect east --timeout 60
expect_status 0 "after the last restore the rest is delivered"
[ "$(entries)" -eq $((fed + 1)) ] || fail "$(entries) entries are there, $((fed + 1)) were delivered"
counts faults=$((killed + 1 + rounds)) records=$(((fed + 1) * 24)) lost=$lost doubled=$doubled seed=$seed
