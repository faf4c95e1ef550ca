#!/usr/bin/env bash
# Few descriptors and many connections that say nothing: the aggregator does not end, does not spin, says so, goes on serving who
# is in, and lets others in again when the strangers are gone.
. "$(dirname "$0")/common.sh"
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east west
sed -i 's#^    inbox: .*#&\n    settle_seconds: 0#' east.yaml
limited() { # what, then start_aggregator under it
    ready_before=$(grep -c ' ready ' aggregator.log 2>/dev/null)
    ready_before=${ready_before:-0}
    (ulimit -Sn 96 && ulimit -Hn 96 && exec "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >>aggregator.out 2>>aggregator.log) &
    aggregator_pid=$!
    wait_for 20 "the aggregator to be ready" aggregator_ready_or_gone
    is_gone $aggregator_pid && fail "the aggregator ended at once"
}
limited
"$BIN/suanpan-collector" --config east.yaml --lang en >>east.log 2>&1 &
service=$!
background_pids=$service
month=0
delivered() { # by the agent that is in
    month=$((month + 1))
    printf 'element,unit,period,value\nhomes,a1,%04d-01,1\n' $((2000 + month)) | put east m$month.csv
    wait_for 60 "a file of an agent that is in ($1)" arrived
}
arrived() { [ "$(sqlite3 -readonly data/suanpan.db 'SELECT count(*) FROM ledger' 2>/dev/null)" = $month ]; }
used() { awk '{ print $14 + $15 }' /proc/$aggregator_pid/stat; } # hundredths of a second
delivered "before"
calm=$(ls /proc/$aggregator_pid/fd | wc -l)
rounds=$(tier 2 20)
for ((round = 0; round < rounds; round++)); do
    closed=$(grep -c door_closed aggregator.log)
    coproc STRANGERS { exec "$BIN/network-raw" hold "${ENDPOINT##*:}" 150; }
    strangers=$STRANGERS_PID
    background_pids="$service $strangers"
    read -r -t 30 -u "${STRANGERS[0]}" line || fail "no strangers"
    door_closed() { [ "$(grep -c door_closed aggregator.log)" -gt "$closed" ]; }
    wait_for 20 "the door to be closed" door_closed
    before=$(used)
    sleep 2
    spent=$(($(used) - before))
    [ $spent -lt 100 ] || ! release_only || fail "it spins: $spent hundredths of a second in two seconds"
    delivered "while strangers hold all descriptors"
    exec {STRANGERS[1]}>&-
    wait $strangers
    door_open() { [ "$(grep -c door_open aggregator.log)" -ge "$(grep -c door_closed aggregator.log)" ]; }
    wait_for 60 "the door to be opened again" door_open
    printf 'element,unit,period,value\nhomes,b1,%04d-01,1\n' $((2000 + round)) | put west r$round.csv
    month=$((month + 1))
    collect west --timeout 60
    expect_status 0 "a new agent comes in afterwards"
    delivered "afterwards"
done
expect_in aggregator.log descriptors_short "few descriptors are said early"
few_again() { [ "$(ls /proc/$aggregator_pid/fd | wc -l)" -le $((calm + 2)) ]; }
wait_for 30 "as few descriptors as before ($calm)" few_again
say "$rounds times 150 strangers with 96 descriptors: it never ended, spent $spent hundredths in two seconds, served who was in"
kill -TERM $service && wait $service
background_pids=''
stop_aggregator
counts faults=$((rounds * 150)) records=$month lost=0 doubled=0 seed=0
