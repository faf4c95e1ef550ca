#!/usr/bin/env bash
# An aggregator restored from a copy that is older than what a collector still holds: the batches in between are written down
# one by one as a gap, proven like the ledger, shown and alerted; their files are named and can be fed again in any order.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
value() { printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$5"; collect "$1"; expect_status "${6:-0}" "$1 $5"; }
value east a1 01 1 one.csv
value west b1 01 2 west.csv
stop_aggregator
cp -r data data.backup
start_aggregator
value east a1 02 10 two.csv
value east a1 03 100 three.csv
value east a1 02 20 two-again.csv   # a correction of what is going to be lost
value east a1 04 1000 four.csv
stop_aggregator
rm -rf data && mv data.backup data
# What a verified backup covered is let go; the copy that was put back is older than that backup.
sqlite3 outbox/east/outbox.db 'UPDATE meta SET backed = 3; DELETE FROM batch WHERE seq <= 3' || fail "cannot alter the outbox"
start_aggregator
value east a1 05 10000 five.csv 3
expect_in last.err 'file_lost .*two.csv' "the collector names the first lost file"
expect_in last.err 'file_lost .*three.csv' "the collector names the second lost file"
grep 'file_lost' last.err | grep -qE 'two-again|four|one.csv' && fail "a file was named that is not lost"
expect_in last.err 'batches_lost' "and says what to do"
ask query homes --unit A --period 2020
expect "what is still held arrived behind the gap" <<CSV
$HEADER
homes,A,东区,2020,11021,,,4,24,partial
CSV
ask incidents
expect_status 0 incidents
grep -qE '^batches_missing,east,[0-9a-f]{32},2,3,2,' last.out || fail "incidents: $(cat last.out)"
say "the list of incidents says exactly what is missing"
ask alerts
expect_in last.out '^batches_missing\.east,batches_missing,open,critical,east,A,.*from=2 to=3' "an alert names agent and batches"
expect_in last.out '^store_behind\.east,store_behind,open,critical,east,A,.*acknowledged=5 stored=1' "another that the store was behind"
ask verify --full
expect_status 0 "verify with a gap"
ask ledger export export
expect_status 0 "export"
"$BIN/suanpan" ledger verify export --keys keys >verify.out 2>&1 || fail "offline verification with a gap: $(cat verify.out)"
say "ledger, registry and export prove the gap"
cp outbox/east/outbox.db before.db
# Fed again, later file first: the correction that was delivered stays in force.
cp inbox/east/done/*three.csv inbox/east/three.csv
collect east && expect_status 0 "three again"
cp inbox/east/done/*two.csv inbox/east/two.csv
collect east && expect_status 0 "two again"
expect_in last.err 'superseded_left_out.*records=1' "what a later file corrected is left out, and said so"
ask query homes --unit A --period 2020 --by month
grep -E '2020-0[1-5],' last.out | cut -d, -f4,5 | tr '\n' ' ' >got
[ "$(cat got)" = "2020-01,1 2020-02,20 2020-03,100 2020-04,1000 2020-05,10000 " ] || fail "after feeding again: $(cat got)"
say "fed again in the wrong order, the figures are what they were"
cp inbox/east/done/*three.csv inbox/east/again.csv
collect east
expect_in last.err 'file_already_taken' "a file that came back is taken once"
ask alerts ack batches_missing.east --by 王某 --note 已补报
expect_status 0 "acknowledging"
ask alerts
grep -q '^batches_missing' last.out && fail "an acknowledged incident is still open"
say "acknowledging the incident closes its alert; the list keeps it"
ask incidents
grep -q '^batches_missing,east' last.out || fail "the list of incidents lost the gap"
ask query homes --unit B --period 2020
expect "the other district noticed nothing" <<CSV
$HEADER
homes,B,西区,2020,2,,,1,12,partial
CSV
