#!/usr/bin/env bash
# An aggregator restored from an older copy of its store: collectors send again what it lost, by themselves.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
month() { printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3.csv"; collect "$1"; expect_status 0 "$1 $3"; }
month east a1 01 1
month west b1 01 2
stop_aggregator
cp -r data data.backup
start_aggregator
month east a1 02 10
month east a1 03 100
month west b1 02 20
stop_aggregator
rm -rf data && mv data.backup data
start_aggregator
ask query homes --period 2020
expect "the restored store knows January only" <<CSV
$HEADER
homes,C,小城,2020,3,,,2,36,partial
CSV
month east a1 04 1000
expect_in last.err 'ledger_contradicted' "nobody used suanpan restore: the witness raises an alarm"
ask query homes --unit A --period 2020
expect "with its next delivery the district brings what was lost" <<CSV
$HEADER
homes,A,东区,2020,1111,,,4,24,partial
CSV
expect_in aggregator.log 'store_behind_agent agent=east' "the log says that the store was behind"
"$BIN/suanpan-collector" --config west.yaml --lang en >west.log 2>&1 &
background_pids=$!
west_is_back() { ask query homes --unit B --period 2020 && grep -q ',22,' last.out; }
wait_for 10 "west's service to bring its part without a new file" west_is_back
say "a service brings it without a new file"
