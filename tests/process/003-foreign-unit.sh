#!/usr/bin/env bash
# An agent that reports a unit outside its scope: the aggregator refuses the rows, the collector learns it and writes them back.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
homes,b1,2020-01,99
homes,a2,2020-01,30
CSV
collect east
expect_status 3 "a row was refused by the aggregator"
find inbox/east -name 'jan.csv.refused.csv' | grep -q . || fail "no refused rows beside the input"
cut -d, -f1-6 "$(find inbox/east -name 'jan.csv.refused.csv')" >last.out
expect "the foreign row came back" <<'CSV'
element,unit,period,value,line,code
homes,b1,2020-01,99,3,forbidden
CSV
grep -rq '汇总端拒收：单位“[^”]*”不在本采集端的填报范围内' inbox/east/jan.csv.refused.csv || fail "the row does not say whose unit it is"
ask query homes --period 2020-01 --level district
expect "it counts nowhere" <<CSV
$HEADER
homes,A,东区,2020-01,42,,,2,2,complete
homes,B,西区,2020-01,,,,0,1,missing
CSV
put west jan.csv <<'CSV'
element,unit,period,value
homes,b1,2020-01,7
CSV
collect west
expect_status 0 "the unit's own agent may report it"
ask query homes --period 2020-01 --level district
expect "and then it counts" <<CSV
$HEADER
homes,A,东区,2020-01,42,,,2,2,complete
homes,B,西区,2020-01,7,,,1,1,complete
CSV
ask status
grep -q '^east,' last.out || fail "status does not name the agent"
say "status names the agent"
