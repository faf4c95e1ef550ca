#!/usr/bin/env bash
# Ten agents as services, files of 120 rows, while the aggregator and the collectors are killed
# in turn: at the end every figure is right.
. "$(dirname "$0")/common.sh"
agents='east1 east2 east3 east4 east5 west1 west2 west3 west4 west5'
city $agents
start_aggregator
declare -A service
start_service() {
    "$BIN/suanpan-collector" --config $1.yaml --lang en >>$1.log 2>&1 &
    service[$1]=$!
    background_pids="${service[*]}"
}
for agent in $agents; do
    echo '    settle_seconds: 0' >>$agent.yaml
    start_service $agent
done
# Each agent reports its own years of its own town, so that nothing overwrites anything: 5 agents share a district.
number=0
for round in 1 2 3; do
    for agent in $agents; do
        first=$((1900 + ${agent: -1} * 20 + round * 5))
        town=a1 && [ "${agent%?}" = west ] && town=b1
        { echo element,unit,period,value
          for year in $(seq $first $((first + 4))); do for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
              echo "homes,$town,$year-$month,1" && echo "fee,$town,$year-$month,0.01"
          done; done; } | put $agent round$round.csv
    done
    sleep 0.$((RANDOM % 9))
    kill_aggregator
    victim=east$((1 + RANDOM % 5))
    kill -9 ${service[$victim]} 2>/dev/null; wait ${service[$victim]} 2>/dev/null
    start_service $victim
    start_aggregator
done
everything_arrived() { ask query homes --period 1900..2019 && grep -q ',1800,' last.out; }
wait_for 60 "everything to arrive" everything_arrived
ask query homes,fee --period 1900..2019
cut -d, -f1,2,5,8 last.out >cut.out && mv cut.out last.out
expect "every figure is there once" <<'CSV'
code,unit,value,reported
homes,C,1800,1800
fee,C,18.00,1800
CSV
for agent in $agents; do
    ls inbox/$agent/done | grep -c 'round[123].csv$' | grep -qx 3 || fail "$agent: not three files in done/"
    kill -TERM ${service[$agent]}
done
for agent in $agents; do
    wait ${service[$agent]}
    status=$?
    expect_status 0 "$agent stopped"
done
background_pids=''
say "every file is in done/ and every service stops in good order"
ask status
[ "$(grep -c '^\(east\|west\)' last.out)" -eq 10 ] || fail "status does not name ten agents"
stop_aggregator
say "status names ten agents, and the aggregator stops in good order"
