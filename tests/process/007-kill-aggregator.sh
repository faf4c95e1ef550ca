#!/usr/bin/env bash
# kill -9 of the aggregator between and during deliveries: what was acknowledged is there, nothing counts twice.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
for month in 01 02 03; do
    for agent in east west; do
        { echo element,unit,period,value
          case $agent in
          east) echo "homes,a1,2020-$month,1" && echo "homes,a2,2020-$month,10" ;;
          west) echo "homes,b1,2020-$month,100" ;;
          esac; } | put $agent $month.csv
        collect $agent
        expect_status 0 "$agent delivered $month"
    done
    kill_aggregator
    ask query homes --period 2020-$month
    expect "killed after $month, its store has all that was acknowledged" <<CSV
$HEADER
homes,C,小城,2020-$month,111,,,3,3,complete
CSV
    start_aggregator
done
say "now it is killed again and again while collectors deliver"
for i in 1 2 3 4 5 6; do
    for agent in east west; do
        { echo element,unit,period,value,revision
          case $agent in
          east) echo "homes,a1,2020-0$((3 + i)),$i,1" && echo "homes,a2,2020-0$((3 + i)),$((i * 10)),1" ;;
          west) echo "homes,b1,2020-0$((3 + i)),$((i * 100)),1" ;;
          esac; } | put $agent more$i.csv
    done
    "$BIN/suanpan-collector" --config east.yaml --once --timeout 30 >/dev/null 2>east.err & east=$!
    "$BIN/suanpan-collector" --config west.yaml --once --timeout 30 >/dev/null 2>west.err & west=$!
    background_pids="$east $west"
    sleep 0.$((RANDOM % 4))$((RANDOM % 10))
    kill_aggregator
    start_aggregator
    wait $east; status=$?; expect_status 0 "east $i"
    wait $west; status=$?; expect_status 0 "west $i"
    background_pids=''
done
ask query homes --period 2020
expect "every figure counts once" <<CSV
$HEADER
homes,C,小城,2020,2664,,,27,36,partial
CSV
stop_aggregator
ask query homes --period 2020
expect "and so it does in the stopped store" <<CSV
$HEADER
homes,C,小城,2020,2664,,,27,36,partial
CSV
