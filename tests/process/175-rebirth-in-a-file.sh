#!/usr/bin/env bash
# An outbox is put back from a backup while half of a file of several batches is in the ledger: it is born again and offers the
# whole file under new numbers. Each row is in the ledger once, as a first report; the file is known afterwards.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
city east
outbox() { sqlite3 outbox/east/outbox.db "$1" || fail "sqlite3: $1"; }
history() { # rows of the ledger, and those of them that are no first report
    ask records --history
    expect_status 0 "the history"
    total=$(($(wc -l <last.out) - 1)) again=$(tail -n +2 last.out | cut -d, -f6 | grep -cv '^1$')
}

say "a file of several batches waits in the outbox"
{
    echo element,unit,period,value
    for year in $(seq 1900 2020); do
        for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
            for unit in a1 a2; do printf 'homes,%s,%s-%s,%s\nfee,%s,%s-%s,%s.25\n' $unit "$year" $month $((year % 7)) $unit "$year" $month $((year % 9)); done
        done
    done
} | put east large.csv
rows=5808
collect east --timeout 1
expect_status 4 "nobody is there"
batches=$(outbox 'SELECT count(*) FROM batch')
[ "$batches" -gt 1 ] || fail "the file is one batch"
cp -r outbox outbox.before

say "its first batch is delivered, then the collector's disk dies; the outbox is put back"
outbox "DELETE FROM batch WHERE seq > 1; UPDATE meta SET high = 1, epoch = epoch + 5, chain = (SELECT chain FROM batch)"
start_aggregator
collect east
expect_status 0 "the first batch"
history
first=$total
[ "$first" -gt 0 ] && [ "$first" -lt $rows ] || fail "$first rows of $rows after the first batch"
cp -r data data.first
rm -rf outbox && cp -r outbox.before outbox
collect east
expect_status 0 "the outbox that was put back delivers"
expect_in aggregator.log 'outbox_replaced agent=east' "born again"
history
[ "$total" = $rows ] && [ "$again" = 0 ] || fail "$total rows in the ledger, $again of them a second time; the file has $rows"
say "$total rows, each once; $first of them were there before"
[ "$(sqlite3 data/suanpan.db 'SELECT count(*) FROM ledger')" = $((batches + 1)) ] || fail "the batch that came twice is not kept"
ask verify --full
expect_status 0 "every decision can be made again"

say "the outbox is lost, and the file put into the inbox once more"
rm -rf outbox && mv inbox/east/done/large.csv inbox/east/
collect east
expect_status 0 "the file again"
history
[ "$total" = $rows ] && [ "$again" = 0 ] || fail "$total rows in the ledger, $again of them a second time"
say "it is known as a whole"

half_again() { # from what was before the second half came: the file through a new outbox
    stop_aggregator
    rm -rf data outbox && cp -r data.first data && mv inbox/east/done/large.csv inbox/east/
    start_aggregator
    collect east
    expect_status 0 "the file through a new outbox"
    history
}
say "taken anew after half of it, the first half is known by its records"
half_again
[ "$total" = $rows ] && [ "$again" = 0 ] || fail "$total rows in the ledger, $again of them a second time"

say "control: another file with the same rows, which the count has to show"
echo >>inbox/east/done/large.csv
half_again
[ "$again" = "$first" ] || fail "control: $again rows a second time, where $first are"
say "$total rows, $again of them a second time"
counts faults=3 records=$rows lost=0 doubled=0 seed=0
