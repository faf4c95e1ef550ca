#!/usr/bin/env bash
# A collector's outbox restored from a backup must not use its numbers again: it gets a new identity, what was not
# acknowledged is sent again, and nothing is lost, doubled or deduplicated away.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
month() { printf 'element,unit,period,value\nhomes,a1,2020-%s,%s\n' "$1" "$2" | put east "$1.csv"; }
month 01 1; collect east; expect_status 0 "January"
cp -r outbox outbox.backup
month 02 10; collect east; expect_status 0 "February"
month 03 100; collect east; expect_status 0 "March"
rm -rf outbox && mv outbox.backup outbox
say "the outbox of before February is back"
month 04 1000; collect east --timeout 20
expect_status 0 "April, whose number was February's"
ask query homes --unit A --period 2020
expect "nothing is lost and nothing counts twice" <<CSV
$HEADER
homes,A,东区,2020,1111,,,4,24,partial
CSV
printf 'element,unit,period,value\nhomes,a1,2020-02,10\n' | put east 02.csv
collect east
expect_status 0 "February delivered once more, out of done/"
ask query homes --unit A --period 2020
expect "still" <<CSV
$HEADER
homes,A,东区,2020,1111,,,4,24,partial
CSV
expect_in aggregator.log 'hello_refused' "the aggregator's log tells of it"
