#!/usr/bin/env bash
# A proxy between districts and city splits, delays, stalls, cuts in the middle of frames, resets and replays what passes, with
# and without encryption: every file arrives once. Control: a proxy that alters bytes; under CURVE nothing altered gets in.
. "$(dirname "$0")/common.sh"
seed=${SUANPAN_SEED:-$RANDOM$RANDOM}
export SUANPAN_SEED=$seed
port=$(free_port) proxy_port=$(free_port)
ENDPOINT=tcp://127.0.0.1:$port
city east west
sed -i "s#^aggregator: .*#aggregator: tcp://127.0.0.1:$proxy_port#" east.yaml west.yaml
faults=$(tier 30 400) files=$(tier 15 150) total=0 struck=0
start_proxy() { # faults [mangle]
    "$BIN/network-proxy" $proxy_port $port "$@" >proxy.out 2>&1 &
    proxy=$!
    background_pids=$proxy
}
stop_proxy() {
    kill -TERM $proxy && wait $proxy
    background_pids=''
}
bring() { # security, first year
    local year=$2 i
    start_aggregator
    start_proxy "$faults" 550
    for agent in east west; do
        sed -i 's#^    inbox: .*#&\n    settle_seconds: 0#' $agent.yaml
        "$BIN/suanpan-collector" --config $agent.yaml --lang en >>$agent.log 2>&1 &
        background_pids="$background_pids $!"
    done
    pids=$background_pids
    for ((i = 0; i < files; i++)); do
        for agent in east west; do
            town=a1 && [ $agent = west ] && town=b1
            { echo element,unit,period,value
              for month in 01 02 03 04 05 06; do echo "homes,$town,$((year + i))-$month,1"; done; } | put $agent $1-$i.csv
        done
        sleep 0.1
    done
    total=$((total + files * 2))
    everything_arrived() {
        ask query homes --period 1900..2899 && [ "$(tail -n 1 last.out | cut -d, -f5)" = $((total * 6)) ]
    }
    wait_for 240 "every file to arrive over a bad line ($1)" everything_arrived
    for pid in $pids; do [ "$pid" = $proxy ] || { kill -TERM "$pid"; wait "$pid"; }; done
    stop_proxy
    cat proxy.out
    struck=$((struck + faults - $(sed -n 's/^left //p' proxy.out)))
    stop_aggregator
    sed -i '/settle_seconds/d' east.yaml west.yaml
    local batches
    batches=$(sqlite3 -readonly data/suanpan.db 'SELECT count(*) FROM ledger')
    [ "$batches" = $total ] || fail "$total files were taken, the ledger has $batches batches"
    say "$1: $((files * 2)) files, each there once"
}
bring curve 1900
for file in aggregator east west; do echo 'security: none' >>$file.yaml; done
bring none 2300
sed -i '/^security/d' aggregator.yaml east.yaml west.yaml
# Control: the proxy alters bits. Encrypted, the link notices each and nothing false arrives.
start_aggregator
start_proxy 20 60 mangle
printf 'element,unit,period,value\nhomes,a1,2800-01,1\n' | put east mangled.csv
collect east --timeout 60
stop_proxy
grep -qx 'left 20' proxy.out && fail "control: nothing was altered"
stop_aggregator
ask query homes --period 2800-01
grep -qE ',(1|),,,[01],' last.out || fail "an altered figure was taken: $(cat last.out)"
say "control: $(sed -n 's/^left //p' proxy.out | awk '{ print 20 - $1 }') altered bits, no altered figure"
[ $struck -ge $faults ] || fail "only $struck faults happened"
counts faults=$struck records=$((total * 6)) lost=0 doubled=0 seed=$seed
