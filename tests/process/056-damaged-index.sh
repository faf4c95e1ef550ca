#!/usr/bin/env bash
# The index that leads from a month to its batches loses a row, or one bit of it turns: nobody is answered through it; the
# aggregator makes it anew from the ledger when it starts, and every figure is right again.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
for month in 01 02 03 04; do
    { echo element,unit,period,value && echo "homes,a1,2020-$month,1$month" && echo "homes,a2,2020-$month,7"; } | put east $month.csv
    collect east
    expect_status 0
done
stop_aggregator
ask query homes --period 2020-01..2020-04 --by month
cp last.out right.csv
cp data/suanpan.db whole.db
damaged() { # words, SQL
    cp whole.db data/suanpan.db
    sqlite3 data/suanpan.db "$2" || fail "$1: SQL"
    ask query homes --period 2020-01..2020-04 --by month
    expect_status 1 "$1: a question"
    expect_in last.err 'the index of the store .* is damaged' "$1: it is said"
    ask verify
    expect_status 1 "$1: verify"
    start_aggregator
    ask query homes --period 2020-01..2020-04 --by month
    cmp -s right.csv last.out || fail "$1: other figures after the start"
    ask verify --full
    expect_status 0 "$1: verify --full after the start"
    stop_aggregator
}
damaged "a month is gone from it" "DELETE FROM touch WHERE period = '2020-03'"
damaged "a bit of a month is another" "UPDATE touch SET period = 'r020-02' WHERE period = '2020-02'"
damaged "an entry is another" "UPDATE touch SET entry = entry + 1 WHERE period = '2020-04'"
say "control: whole, it answers"
cp whole.db data/suanpan.db
ask query homes --period 2020-01..2020-04 --by month
expect_status 0
cmp -s right.csv last.out || fail "other figures"
