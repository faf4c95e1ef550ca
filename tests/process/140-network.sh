#!/usr/bin/env bash
# Districts and city in two network namespaces: packets are lost at random, the line breaks both ways or one way only, for a
# moment or for longer than the heartbeats, connections are reset. Every file arrives once; a line that is dead without saying
# so is noticed within the heartbeat's patience, and delivery is back soon after the line is.
# ZeroMQ's timers are made ten times shorter by a preload, and everything awaited is a multiple of them.
. "$(dirname "$0")/common.sh"
needs_preload
command -v ip >/dev/null && command -v nft >/dev/null || { echo "no ip or nft here" && exit 77; }
name=su$$
clean_up() { ip netns pids ${name}c 2>/dev/null | xargs -r kill -9 2>/dev/null; ip netns del ${name}c 2>/dev/null; ip netns del ${name}d 2>/dev/null; }
trap 'code=$?; clean_up; (exit $code); finish' EXIT
{ ip netns add ${name}c && ip netns add ${name}d && ip link add ${name}0 netns ${name}c type veth peer name ${name}1 netns ${name}d &&
    ip -n ${name}c addr add 10.214.0.1/30 dev ${name}0 && ip -n ${name}d addr add 10.214.0.2/30 dev ${name}1 &&
    ip -n ${name}c link set ${name}0 up && ip -n ${name}d link set ${name}1 up && ip -n ${name}c link set lo up &&
    printf '%s\n' 'add table inet t' 'add chain inet t i { type filter hook input priority 0 ; }' \
        'add chain inet t o { type filter hook output priority 0 ; }' | ip netns exec ${name}c nft -f -; } 2>/dev/null || { echo "no network namespaces here" && exit 77; }
seed=${SUANPAN_SEED:-$RANDOM}
RANDOM=$seed
faults=$(tier 30 1000)
heartbeat=6 # seconds: ZMQ_HEARTBEAT_TIMEOUT 60 s by the preload's ten
ENDPOINT=tcp://10.214.0.1:7420
city east west
hastened=(env "LD_PRELOAD=$ahead$BIN/libnetwork-preload.so" SUANPAN_HASTE=10)
ip netns exec ${name}c "${hastened[@]}" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >aggregator.out 2>aggregator.log &
aggregator_pid=$!
for agent in east west; do
    echo '    settle_seconds: 0' >>$agent.yaml
    ip netns exec ${name}d "${hastened[@]}" "$BIN/suanpan-collector" --config $agent.yaml --lang en >>$agent.log 2>&1 &
    background_pids="$background_pids $!"
done
wait_for 30 "the aggregator to be ready" grep -q ' ready ' aggregator.log
rules() { # nft rules, one an argument; none: the line is whole
    { echo 'flush table inet t'
      for rule in "$@"; do echo "add rule inet t $rule"; done; } | ip netns exec ${name}c nft -f - || fail "nft: $*"
}
sent=0
report() { # one file of one figure from each district
    local agent town
    for agent in east west; do
        town=a1 && [ $agent = west ] && town=b1
        printf 'element,unit,period,value\nhomes,%s,%04d-%02d,1\n' $town $((2000 + sent / 12)) $((1 + sent % 12)) | put $agent f$sent.csv
    done
    sent=$((sent + 1))
}
arrived() { [ "$(sqlite3 -readonly data/suanpan.db 'SELECT count(*) FROM ledger' 2>/dev/null)" = $((sent * 2)) ]; }
report
wait_for 30 "the first files" arrived
say "the line works"
# Back at the latest after a connection that times out (1 s), the longest pause between tries (1 s) and a greeting repeated,
# each ten times over for a busy machine; and TCP's own repeats, which double.
within=$(tier 60 90) slowest=0
for ((fault = 0; fault < faults; fault++)); do
    pause=0.$((1 + RANDOM % 9))
    case $((RANDOM % 8)) in
    0) rules 'i numgen random mod 100 < 5 drop' ;;
    1) rules 'i numgen random mod 100 < 20 drop' 'o numgen random mod 100 < 20 drop' ;;
    2) rules 'i numgen random mod 100 < 50 drop' ;;
    3) rules 'i drop' 'o drop' ;;
    4) rules 'i drop' ;;
    5) rules 'o drop' ;;
    6) rules 'i tcp dport 7420 reject with tcp reset' ;;
    7) rules 'i drop' 'o drop' && pause=$(tier 1 $((1 + RANDOM % 20))) ;;
    esac
    report
    sleep $pause
    rules
    [ $((fault % 10)) -eq 9 ] || continue
    started=$SECONDS
    wait_for $within "all $sent files of each district after fault $fault (seed $seed)" arrived
    [ $((SECONDS - started)) -le $slowest ] || slowest=$((SECONDS - started))
done
wait_for $within "the last files" arrived
say "$faults faults: $((sent * 2)) files, each there once; back within $slowest s"
# Half open: the city still hears, the districts hear nothing, nobody says goodbye.
rules 'o drop'
started=$SECONDS
connections() { ip netns exec ${name}d ss -tnH state established dport = :7420 | wc -l; }
noticed() { [ "$(connections)" -eq 0 ]; }
wait_for $((heartbeat * 10)) "the districts to give up a dead line" noticed
say "a line dead one way is given up after $((SECONDS - started)) s (heartbeat: $heartbeat s)"
rules
report
wait_for $within "the files after a dead line" arrived
# Control: a line that never comes back has to be noticed by the test.
rules 'i drop' 'o drop'
report
sleep 2
arrived && fail "control: files arrived over a line that is cut"
say "control: nothing arrives over a cut line"
rules
wait_for $within "the files after the control" arrived
kill -TERM $background_pids
wait $background_pids
background_pids=''
stop_aggregator
ask query homes --period 2000..2899
[ "$(tail -n 1 last.out | cut -d, -f5)" = $((sent * 2)) ] || fail "not every figure is there once: $(tail -n 1 last.out)"
counts faults=$((faults + 2)) records=$((sent * 2)) lost=0 doubled=0 seed=$seed
