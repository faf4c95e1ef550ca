#!/usr/bin/env bash
# Programs that stand still and go on (SIGSTOP, SIGCONT): collector, aggregator or both, in the middle of taking, sending and
# committing. Every file arrives once.
. "$(dirname "$0")/common.sh"
seed=${SUANPAN_SEED:-$RANDOM}
RANDOM=$seed
pauses=$(tier 10 500)
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east west
start_aggregator
declare -A service
for agent in east west; do
    sed -i 's#^    inbox: .*#&\n    settle_seconds: 0#' $agent.yaml
    "$BIN/suanpan-collector" --config $agent.yaml --lang en >>$agent.log 2>&1 &
    service[$agent]=$!
    background_pids="$background_pids $!"
done
sent=0
arrived() { [ "$(sqlite3 -readonly data/suanpan.db 'SELECT count(*) FROM ledger' 2>/dev/null)" = $((sent * 2)) ]; }
for ((pause = 0; pause < pauses; pause++)); do
    case $((RANDOM % 4)) in
    0) whose=$aggregator_pid ;; 1) whose=${service[east]} ;; 2) whose="${service[east]} ${service[west]}" ;;
    3) whose="$aggregator_pid ${service[west]}" ;;
    esac
    for agent in east west; do
        town=a1 && [ $agent = west ] && town=b1
        printf 'element,unit,period,value\nhomes,%s,%04d-%02d,1\n' $town $((2000 + sent / 12)) $((1 + sent % 12)) | put $agent f$sent.csv
    done
    sent=$((sent + 1))
    sleep 0.0$((RANDOM % 10))
    kill -STOP $whose
    sleep "$(tier 0.$((1 + RANDOM % 9)) $((RANDOM % 5)).$((1 + RANDOM % 9)))"
    kill -CONT $whose
done
wait_for 120 "all files after $pauses pauses (seed $seed)" arrived
kill -TERM $background_pids && wait $background_pids
background_pids=''
stop_aggregator
ask query homes --period 2000..2199
[ "$(tail -n 1 last.out | cut -d, -f5)" = $((sent * 2)) ] || fail "not every figure is there once: $(tail -n 1 last.out)"
say "$pauses pauses: $((sent * 2)) files, each there once"
# Control: a stopped aggregator takes nothing, and the test sees that.
start_aggregator
kill -STOP $aggregator_pid
printf 'element,unit,period,value\nhomes,a2,2000-01,1\n' | put east still.csv
collect east --timeout 3
kill -CONT $aggregator_pid
expect_status 4 "control: nothing arrives while the aggregator stands still"
collect east --timeout 60
expect_status 0 "and afterwards it does"
stop_aggregator
counts faults=$((pauses + 1)) records=$((sent * 2 + 1)) lost=0 doubled=0 seed=$seed
