#!/usr/bin/env bash
# Byte-identical files delivered again change nothing, under whatever name, from the same or from a new outbox.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
first() { printf 'element,unit,period,value\nhomes,a1,2020-01,12\n'; }
second() { printf 'element,unit,period,value\nhomes,a1,2020-01,20\n'; }
first | put east a.csv
collect east && expect_status 0 first
second | put east b.csv
collect east && expect_status 0 second
first | put east c.csv
collect east
expect_status 0 "the first file once more"
ask query homes --unit A --period 2020-01
expect "does not take the correction back" <<CSV
$HEADER
homes,A,东区,2020-01,20,,,1,2,partial
CSV
say "the district's disk is lost; it starts with a new outbox and delivers its files again"
rm -rf outbox
first | put east a2.csv
collect east
expect_status 0 "delivered from the new outbox"
ask query homes --unit A --period 2020-01
expect "changes nothing either" <<CSV
$HEADER
homes,A,东区,2020-01,20,,,1,2,partial
CSV
printf 'element,unit,period,value\nhomes,a1,2020-01,21\n' | put east d.csv
collect east
expect_status 0 "a new file"
ask query homes --unit A --period 2020-01
expect "does" <<CSV
$HEADER
homes,A,东区,2020-01,21,,,1,2,partial
CSV
