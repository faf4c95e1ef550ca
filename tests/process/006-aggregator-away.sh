#!/usr/bin/env bash
# No aggregator: files are taken and kept, the exit code says undelivered; later everything arrives, in order.
. "$(dirname "$0")/common.sh"
city east
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
CSV
collect east --timeout 2
expect_status 4 "undelivered"
expect_in last.err 'unreachable|cannot reach' "the reason says that the aggregator is unreachable"
[ -f inbox/east/done/jan.csv ] || fail "the file was not taken"
say "the file was taken and is kept in the outbox"
put east jan-again.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,15
homes,a2,2020-01,1
CSV
collect east --timeout 2
expect_status 4 "still undelivered"
start_aggregator
collect east
expect_status 0 "with nothing new in the inbox everything is delivered"
ask query homes --unit A --period 2020-01
expect "in the order in which it was taken" <<CSV
$HEADER
homes,A,东区,2020-01,16,,,2,2,complete
CSV
