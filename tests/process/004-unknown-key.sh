#!/usr/bin/env bash
# A key the aggregator does not know stays out, says why, and loses nothing: once the key is registered it delivers.
. "$(dirname "$0")/common.sh"
city east
keys_of west
start_aggregator
put west jan.csv <<'CSV'
element,unit,period,value
homes,b1,2020-01,7
CSV
collect west --timeout 3
expect_status 4 "undelivered"
expect_in last.err 'key' "the reason names the key"
ask query homes --unit B --period 2020-01
expect "nothing of it arrived" <<CSV
$HEADER
homes,B,西区,2020-01,,,,0,1,missing
CSV
echo "west,B,keys/west.pub,active" >>agents.csv
kill -HUP $aggregator_pid
wait_for 5 "agents.csv to be read again" grep -q agents_reloaded aggregator.log
collect west --timeout 10
expect_status 0 "registered while the aggregator runs, it delivers"
ask query homes --unit B --period 2020-01
expect "and its figure counts" <<CSV
$HEADER
homes,B,西区,2020-01,7,,,1,1,complete
CSV
say "a wrong aggregator key is an unreachable peer, too"
"$BIN/suanpan" keygen keys other >/dev/null
sed -i 's#aggregator_key: .*#aggregator_key: keys/other.pub#' west.yaml
put west feb.csv <<'CSV'
element,unit,period,value
homes,b1,2020-02,8
CSV
collect west --timeout 3
expect_status 4 "undelivered with a wrong aggregator key"
expect_in last.err 'aggregator_key' "the reason names aggregator_key"
