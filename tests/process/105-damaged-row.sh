#!/usr/bin/env bash
# A row of the outbox is damaged before its batch was delivered: while nobody runs, and under a running collector. All other
# files arrive, the one that is lost is named, and when it is put into the inbox again it is taken: through a new outbox as well.
. "$(dirname "$0")/common.sh"
city east
for town in 3 4 5 6 7 8; do echo "a$town,A,town,东${town}镇" >>catalogue/units.csv; done
month() { # month value [name] : the files are taken in the order in which they come here
    put=$((${put:-0} + 1))
    printf 'element,unit,period,value\nhomes,a1,%s,%s\n' "$1" "$2" | put east "${3:-$1}.csv"
    touch -d "@$((1577808000 + put))" "inbox/east/${3:-$1}.csv"
}
total() { ask query homes --period 2019..2020 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$1" ]; }
spoil() { sqlite3 outbox/east/outbox.db "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE seq = $1" || fail "cannot spoil batch $1"; }
lost() { grep -h ' file_lost ' "$1" | sed 's/.*file=\([^ ]*\) .*/\1/' | sort -u | tr '\n' ' '; }

say "at rest"
for i in 1 2 3 4 5; do month 2019-0$i $((10 ** i)); done
month 2019-03 7 later # corrects what is going to be lost
collect east --timeout 1
expect_status 4 "nobody is there"
spoil 3
start_aggregator
collect east
expect_status 3 "all but one"
expect_in last.err 'outbox_rescued' "the damage is told"
[ "$(lost last.err)" = "2019-03.csv " ] || fail "named as lost: $(lost last.err)"
total $((10 + 100 + 7 + 10000 + 100000)) || fail "the others: $(cat last.out)"
cp inbox/east/done/2019-03.csv inbox/east/again.csv
collect east
expect_in last.err 'superseded_left_out' "taken again, and what a later file corrected stays corrected"
total $((10 + 100 + 7 + 10000 + 100000)) || fail "after it was put back: $(cat last.out)"
say "the lost file is named and may come again"

say "under a running collector"
kill_aggregator
"$BIN/suanpan-collector" --config east.yaml --lang en >east.log 2>&1 & background_pids=$!
for i in 1 2 3 4; do month 2020-0$i $((10 ** i)); done
taken() { [ "$(grep -c file_taken east.log)" = 4 ]; }
wait_for 60 "the files to be taken" taken
spoil "(SELECT max(seq) - 2 FROM batch)"
start_aggregator
wait_for 60 "the lost file to be named" grep -q ' batches_lost ' east.log
[ "$(lost east.log)" = "2020-02.csv " ] || fail "named as lost: $(lost east.log)"
wait_for 60 "the others" total $((110117 + 10 + 1000 + 10000))
cp inbox/east/done/2020-02.csv inbox/east/again.csv
wait_for 60 "the lost one" total $((110117 + 11110))
cp inbox/east/done/2020-04.csv inbox/east/once-more.csv
wait_for 60 "one that is not lost to be recognised" grep -q 'file_already_taken' east.log
kill $background_pids && wait $background_pids 2>/dev/null
background_pids=''

say "a hole: the row is gone"
collect east
kill_aggregator
for i in 5 6 7; do month 2020-0$i $((10 ** (i - 4) * 2)); done
collect east --timeout 1
sqlite3 outbox/east/outbox.db "DELETE FROM batch WHERE seq = (SELECT max(seq) - 1 FROM batch)" || fail "cannot remove a row"
start_aggregator
collect east --timeout 60
expect_status 3 "around the hole"
[ "$(lost last.err)" = "2020-06.csv " ] || fail "named as lost: $(lost last.err)"
total $((110117 + 11110 + 20 + 2000)) || fail "around the hole: $(cat last.out)"
cp inbox/east/done/2020-06.csv inbox/east/again2.csv
collect east
total $((110117 + 11110 + 2220)) || fail "after the hole was filled: $(cat last.out)"
say "what fell into the hole is named and may come again"

say "a part of a large file is lost, and then the whole outbox"
kill_aggregator
{
    echo element,unit,period,value
    for town in 1 2 3 4 5 6 7 8; do
        for year in $(seq 1900 2018); do printf "homes,a$town,$year-%02d,1\n" $(seq 12); done
    done
} | put east large.csv
large=$(($(wc -l <inbox/east/large.csv) - 1))
collect east --timeout 1
parts=$(sqlite3 outbox/east/outbox.db "SELECT count(*) FROM batch WHERE manifest = (SELECT max(manifest) FROM batch)")
[ "$parts" -ge 3 ] || fail "only $parts parts"
spoil "(SELECT max(seq) - 1 FROM batch)"
start_aggregator
all() { ask query homes --period 1900..2020 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$1" ]; }
before=$((110117 + 11110 + 2220))
collect east
[ "$(lost last.err)" = "large.csv " ] || fail "named as lost: $(lost last.err)"
all $((before + large)) && fail "nothing was lost"
rm -rf outbox/east
cp inbox/east/done/large.csv inbox/east/again3.csv
collect east
expect_status 0 "through a new outbox"
all $((before + large)) || fail "a part is missing: $(cat last.out)"
ask records --element homes --unit a1 --period 1900-01 --history
[ "$(grep -c '^homes,' last.out)" = 1 ] || fail "what was there came twice: $(cat last.out)"
rm -rf outbox/east
cp inbox/east/done/large.csv inbox/east/again4.csv
collect east
ask records --element homes --unit a8 --period 1900-01 --history
[ "$(grep -c '^homes,' last.out)" = 1 ] || fail "the whole file counts twice: $(cat last.out)"
all $((before + large)) || fail "not the same figure: $(cat last.out)"
say "the missing part of $parts is taken, the others are not taken twice"
ask verify --full
expect_status 0 "verify"
# Control: without the damage nobody is named.
month 2020-08 1
collect east
expect_status 0 "an undamaged outbox"
[ -z "$(lost last.err)" ] || fail "control: named as lost without a loss"
counts faults=4 records=$((13 + large)) lost=0 doubled=0 seed=0
