#!/usr/bin/env bash
# A thousand agents, each with its own key, are connected when the aggregator is killed; it starts again, at once or after a
# while, and they all come back together. Everybody is acknowledged, memory stays small, and it takes little longer than libzmq
# alone takes for as many connections with the same keys, killed and left alone for as long, in the same minute on the same machine.
. "$(dirname "$0")/common.sh"
[ "${SUANPAN_PRESET:-release}" = release ] || { echo "time and memory are measured in the release build" && exit 77; }
agents=$(tier 1000 2000) most=4 # times as long as libzmq alone; seen: 1.2 to 2.5
pauses=(0.3 10)                 # s between kill and start: before they wait longer and longer, and long after
[ "$(ulimit -Hn)" -ge $((agents * 12)) ] || { echo "only $(ulimit -Hn) descriptors for $agents agents" && exit 77; }
ulimit -Sn "$(ulimit -Hn)"
ENDPOINT=tcp://127.0.0.1:$(free_port)
city
# Their outboxes are of no interest here, so they need no disk.
crowd=$(mktemp -d /dev/shm/suanpan-crowd.XXXXXX) || crowd=$PLACE/crowd
trap 'code=$?; rm -rf "$crowd"; (exit $code); finish' EXIT
"$BIN/network-crowd" prepare "$agents" "$crowd" >>agents.csv || fail "no keys for $agents agents"

hear() { # pattern : the next line of the crowd
    IFS= read -r -t 280 -u "${CROWD[0]}" line || fail "the crowd says nothing more"
    case $line in $1) ;; *) fail "the crowd says: $line" ;; esac
}
spent() { awk '{ print ($14 + $15) * 10 }' /proc/$1/stat; } # ms of processor time, as the clock ticks
# One round: sets `took`. The first of all is about agents that are there already.
round() { # who, process of the server
    local before crowd_before
    before=$(spent "$2") crowd_before=$(spent "$CROWD_PID")
    echo go >&"${CROWD[1]}"
    hear 'acknowledged *'
    took=${line##*after } took=${took% ms}
    say "$1: $line; processor time $(($(spent "$2") - before)) ms of the server, $(($(spent "$CROWD_PID") - crowd_before)) ms of the crowd"
    hear 'round *'
}
close_crowd() {
    exec {CROWD[1]}>&-
    wait $CROWD_PID || fail "the crowd did not end well"
}

# ---- libzmq alone -----------------------------------------------------------------------------------------------------------
start_bare() {
    : >bare.out
    "$BIN/network-bare" serve "$ENDPOINT" keys/aggregator.key >bare.out &
    bare_pid=$! background_pids="$! ${CROWD_PID:-}"
    wait_for 60 "the bare server" grep -q ready bare.out
}
kill_bare() {
    kill -9 "$bare_pid"
    wait "$bare_pid" 2>/dev/null
}
start_bare
coproc CROWD { exec "$BIN/network-bare" run "$agents" "$crowd" "$ENDPOINT" keys/aggregator.pub 2>&1; } 2>/dev/null
background_pids="$bare_pid $CROWD_PID"
bare=() # ms of each pause
hear 'round *'
round "libzmq alone, anew" "$bare_pid"
for pause in "${pauses[@]}"; do
    kill_bare
    sleep "$pause"
    start_bare
    round "libzmq alone, ${pause} s after a kill" "$bare_pid"
    bare+=("$took")
done
close_crowd
kill_bare
background_pids=''

# ---- Suanpan ------------------------------------------------------------------------------------------------------------------
start_aggregator
coproc CROWD { exec "$BIN/network-crowd" run "$agents" "$crowd" catalogue "$ENDPOINT" keys/aggregator.pub 2>&1; } 2>/dev/null
background_pids=$CROWD_PID
hear 'round *'
round "agents that are there" $aggregator_pid
rounds=1 peak=0
# Other work on the machine may fall on one return; a fault of ours is met again.
for i in "${!pauses[@]}"; do
    for try in 1 2 3; do
        kill_aggregator
        sleep "${pauses[i]}"
        start_aggregator
        round "${pauses[i]} s after a kill" $aggregator_pid
        rounds=$((rounds + 1))
        used=$(awk '/^VmHWM:/ { print int($2 / 1024) }' /proc/$aggregator_pid/status)
        [ "$used" -le $peak ] || peak=$used
        [ "$took" -gt $((bare[i] * most)) ] || break
    done
    [ "$took" -le $((bare[i] * most)) ] || fail "$agents agents waited $took ms, libzmq alone took ${bare[i]} ms"
    say "$took ms, $((took * 100 / bare[i])) % of what libzmq alone took"
done
close_crowd
background_pids=''
[ $peak -lt 256 ] || fail "the aggregator needed $peak MiB"
ask query homes --period 2000..8999
[ "$(tail -n 1 last.out | cut -d, -f5)" = $((agents * rounds)) ] || fail "not every figure is there once: $(tail -n 1 last.out)"
stop_aggregator
batches=$(sqlite3 -readonly data/suanpan.db 'SELECT count(*) FROM ledger')
[ "$batches" = $((agents * rounds)) ] || fail "$batches batches in the ledger"
say "$agents agents, $((rounds - 1)) times all at once, at most $peak MiB"
counts faults=$((rounds - 1)) records=$batches lost=0 doubled=0 seed=0
