#!/usr/bin/env bash
# The store is older than what was acknowledged: its write-ahead log was deleted, or the file was swapped for a backup.
# Collectors offer again what it lost, figures become right, and the log tells of it. What no collector holds any more is
# said to be missing on both sides; it is never passed over in silence.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
city east west
month() { printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3.csv"; collect "$1"; expect_status 0 "$1 $3"; }
total() { ask query homes --period 2020 && [ "$(cut -d, -f5 last.out | tail -n 1)" = "$1" ]; }
start_aggregator
month east a1 01 1
month west b1 01 2
stop_aggregator
cp data/suanpan.db january.db

say "the write-ahead log is deleted after a crash"
start_aggregator
month east a1 02 10
month west b1 02 20
kill_aggregator
[ -s data/suanpan.db-wal ] || fail "there should be a write-ahead log"
rm -f data/suanpan.db-wal data/suanpan.db-shm
start_aggregator
"$BIN/suanpan-collector" --config east.yaml --lang en >east.log 2>&1 & background_pids="$!"
"$BIN/suanpan-collector" --config west.yaml --lang en >west.log 2>&1 & background_pids="$background_pids $!"
wait_for 15 "both services to bring February again" total 33
expect_in aggregator.log 'store_behind_agent agent=east' "the log says that the store was behind east"
expect_in aggregator.log 'store_behind_agent agent=west' "and west"
kill $background_pids; wait $background_pids 2>/dev/null; background_pids=''
month east a1 03 100

say "the file is swapped for January's while the aggregator is stopped"
stop_aggregator
cp january.db data/suanpan.db
: >aggregator.log
start_aggregator
total 3 || fail "January alone should be there"
month east a1 04 1000
month west b1 04 2000
total 3133 || fail "everything should be there again: $(tail -n 1 last.out)"
expect_in aggregator.log 'store_behind_agent agent=east' "the log says so again"
say "with their next deliveries both bring what was lost"
stop_aggregator

say "the same, but west no longer holds February"
cp january.db data/suanpan.db
rm -f data/suanpan.db-wal data/suanpan.db-shm
sqlite3 outbox/west/*.db "DELETE FROM batch WHERE seq <= 2" || fail "no batch to delete"
: >aggregator.log
start_aggregator
month east a1 05 10000
printf 'element,unit,period,value\nhomes,b1,2020-06,20000\n' | put west 06.csv
collect west
expect_status 3 "west goes on behind what is missing"
expect_in last.err 'file_lost .*02.csv' "west names the file it no longer holds"
expect_in aggregator.log 'warn batches_missing agent=west number=2' "the bureau's log names the batch"
total 33113 || fail "all but west's February is there: $(tail -n 1 last.out)"

say "as the message asks: the file is delivered again"
mv inbox/west/done/*02.csv inbox/west/
collect west
expect_status 0 "west delivers it"
ask query homes --period 2020 --level district
expect "everything is there, nothing counts twice" <<CSV
$HEADER
homes,A,东区,2020,11111,,,5,24,partial
homes,B,西区,2020,22022,,,4,12,partial
CSV
