#!/usr/bin/env bash
# The smallest thing that works: one agent, one file, one figure; over TCP and CURVE.
. "$(dirname "$0")/common.sh"
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east
start_aggregator
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
homes,a2,2020-01,30
fee,a1,2020-01,60.00
CSV
collect east
expect_status 0 "everything was taken and delivered"
[ -f inbox/east/done/jan.csv ] || fail "the file did not move to done/"
say "the file moved to done/"
ask query i_homes --unit A --period 2020-01
expect_status 0
expect "the figure of the district is the sum of its towns" <<CSV
$HEADER
i_homes,A,东区,2020-01,42,42,,2,2,complete
CSV
ask query i_homes,homes --period 2020
expect "and the city's year counts what is owed" <<CSV
$HEADER
i_homes,C,小城,2020,42,42,,2,36,partial
homes,C,小城,2020,42,,,2,36,partial
CSV
stop_aggregator
ask query i_homes --unit A --period 2020-01
expect "a stopped aggregator's store gives the same answer" <<CSV
$HEADER
i_homes,A,东区,2020-01,42,42,,2,2,complete
CSV
