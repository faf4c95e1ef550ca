#!/usr/bin/env bash
# A revoked key is out from the next message on, even over a connection that stands; nothing it says is taken.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
CSV
"$BIN/suanpan-collector" --config east.yaml --lang en >service.out 2>service.log &
service=$!
background_pids=$service
answer_is_12() { ask query homes --unit A --period 2020-01 && grep -q ',12,' last.out; }
wait_for 15 "the service to deliver" answer_is_12
sed -i 's/,active$/,revoked/' agents.csv
wait_for 5 "agents.csv to be noticed by itself" grep -q agents_reloaded aggregator.log
put east feb.csv <<'CSV'
element,unit,period,value
homes,a1,2020-02,99
CSV
wait_for 10 "the collector to say that its key was revoked" grep -qE 'revoked' service.log
ask query homes --unit A --period 2020-02
expect "nothing was taken under the revoked key" <<CSV
$HEADER
homes,A,东区,2020-02,,,,0,2,missing
CSV
kill -TERM $service && wait $service
background_pids=''
collect east --timeout 3
expect_status 4 "a new connection is refused as well"
sed -i 's/,revoked$/,active/' agents.csv
kill -HUP $aggregator_pid
sleep 1.2
collect east --timeout 10
expect_status 0 "active again, what waited is delivered"
ask query homes --unit A --period 2020-02
expect "and counts" <<CSV
$HEADER
homes,A,东区,2020-02,99,,,1,2,partial
CSV
