#!/usr/bin/env bash
# Saved pages are lost, or older ones lie in their place, or the whole set is of an earlier moment: none of it can be seen in
# a single page. It is noticed, said, and no figure is wrong.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
city east west
sql() { sqlite3 data/suanpan.db "$1" || fail "sqlite3: $1"; }
send() { { echo element,unit,period,value; cat; } | put "$1" "$2"; collect "$1"; expect_status 0 "$1 $2"; }
start_aggregator
for month in 01 02 03 04; do printf 'homes,a1,2020-%s,1\nhomes,a2,2020-%s,2\n' $month $month; done | send east a.csv
for month in 01 02 03 04; do printf 'homes,b1,2020-%s,4\n' $month; done | send west b.csv
stop_aggregator
sql "CREATE TABLE old_block AS SELECT * FROM block; CREATE TABLE old_about AS SELECT * FROM about"
start_aggregator
for month in 03 04 05; do printf 'homes,a1,2020-%s,100\n' $month; done | send east more.csv
stop_aggregator
all() { ask query homes --level town --period 2020 --by month; cp last.out "$1"; ask query homes --period 2020 --by quarter; cat last.out >>"$1"; }
all right.csv
cp data/suanpan.db sound.db

harm() { # what, event in the log, sql
    cp sound.db data/suanpan.db
    sql "$3"
    all stopped.csv
    diff right.csv stopped.csv || fail "$1: the stopped store gave another figure"
    : >aggregator.log
    start_aggregator
    expect_in aggregator.log "$2" "$1: the log says so"
    all started.csv
    diff right.csv started.csv || fail "$1: the aggregator gave another figure"
    stop_aggregator
    : >aggregator.log
    start_aggregator
    grep -qE ' abacus_(rebuilt|repaired) ' aggregator.log && fail "$1: it was not mended"
    stop_aggregator
    all again.csv
    diff right.csv again.csv || fail "$1: afterwards another figure"
}
rebuilt=' abacus_rebuilt .*entries=3'
harm "one page is gone" "$rebuilt" "DELETE FROM block WHERE subject = 'Ehomes' AND period = '2020-03'"
harm "all pages are gone" "$rebuilt" "DELETE FROM block"
harm "an older page is back" "$rebuilt" "DELETE FROM block WHERE subject = 'Ehomes' AND period = '2020-03';
    INSERT INTO block SELECT * FROM old_block WHERE subject = 'Ehomes' AND period = '2020-03'"
harm "all older pages are back, under the newer watermark" "$rebuilt" "DELETE FROM block; INSERT INTO block SELECT * FROM old_block"
harm "a page lies under another month" "$rebuilt" "UPDATE block SET period = '2020-07' WHERE subject = 'Ehomes' AND period = '2020-03'"
harm "the watermark was lost" "$rebuilt" "DELETE FROM about WHERE name = 'pages_watermark'; UPDATE about SET value = 1 WHERE name = 'pages_seal'"
harm "pages know more than the ledger" ' abacus_rebuilt .*newer than the ledger' "UPDATE about SET value = 999 WHERE name = 'pages_watermark'"
harm "an older snapshot is whole: what came later is replayed" ' ledger_replayed .*entries=1' "DELETE FROM block;
    INSERT INTO block SELECT * FROM old_block; DELETE FROM about WHERE name LIKE 'pages_%';
    INSERT INTO about SELECT * FROM old_about WHERE name LIKE 'pages_%'"
harm "newer pages of one element only" "$rebuilt" "DELETE FROM block WHERE period < '2020-05'; INSERT INTO block SELECT * FROM old_block"

say "a damaged entry of the ledger"
cp sound.db data/suanpan.db
sql "UPDATE ledger SET bytes = substr(bytes, 1, length(bytes) - 1) || x'7F' WHERE entry = 1"
all served.csv
diff right.csv served.csv || fail "sound pages need no ledger"
sql "DELETE FROM block"
ask query homes --period 2020
expect_status 1 "no figure without pages and with a damaged ledger"
[ -s last.out ] && fail "something was printed"
expect_in last.err 'ledger entry 1 is not what was stored' "the entry is named"
: >aggregator.log
"$BIN/suanpan-aggregator" --config aggregator.yaml --lang en 2>>aggregator.log
status=$?
expect_status 1 "the aggregator does not start on it"
expect_in aggregator.log 'ledger entry 1' "and its log names the entry"
ask verify --full
expect_status 1 "verify finds it"
expect_in last.out '^all,bad,3,1,' "and names the entry as the first bad one"
cp sound.db data/suanpan.db
