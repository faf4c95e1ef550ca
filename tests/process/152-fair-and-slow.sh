#!/usr/bin/env bash
# One agent sends as fast as it can and heeds no credit: another waits for a turn of it, not for all of it. And a disk whose
# syncs take a fifth of a second: credit shrinks, memory does not grow, questions are answered from the last commit, and
# credit comes back with the disk.
. "$(dirname "$0")/common.sh"
needs_preload
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east west
# How many batches of West are in the ledger between two of East, by their order: median and the most but one in a hundred.
between() {
    sqlite3 -readonly data/suanpan.db 'SELECT agent FROM ledger JOIN outbox ON outbox.id = ledger.outbox ORDER BY entry' |
        awk '/^west/ { n++ } /^east/ { if (n > 0) print n; n = 0 }' | sort -n |
        awk '{ n[NR] = $1 } END { print NR, n[int((NR + 1) / 2)], n[int((NR * 99 + 99) / 100)] }'
}
rounds=$(tier 150 1500)
start_aggregator
heard=$("$BIN/network-greedy" catalogue "$ENDPOINT" keys/aggregator.pub keys/west.key keys/east.key "$rounds" $((rounds * 400))) ||
    fail "$heard"
say "$heard"
stop_aggregator
read -r times median most < <(between)
# A turn are 64, four are allowed: while one is committed the next comes in, and East itself has to get to work on a busy machine.
[ "$times" -ge $((rounds / 2)) ] || fail "the two were not at work together: only $times times"
[ "$median" -le 256 ] || fail "East waits for $median batches of West"
say "between two batches of East there are $median of West, $most at most (99 of 100; $times times)"
records=$((rounds * 2))

# Control: an aggregator that serves West first as long as it has something.
rm -rf data
PRELOAD=$BIN/libnetwork-preload.so SUANPAN_LINE=1 start_aggregator
if heard=$("$BIN/network-greedy" catalogue "$ENDPOINT" keys/aggregator.pub keys/west.key keys/east.key 10 60000); then
    stop_aggregator
    read -r times median most < <(between)
    [ "$median" -gt 256 ] || fail "control: who stands at the end of the line is not noticed: $heard"
else
    kill_aggregator
fi
say "control: an aggregator that serves one first is noticed"
rm -rf data

# ---- the disk ------------------------------------------------------------------------------------------------------------

export SUANPAN_SLOW_WHEN=$PLACE/slow SUANPAN_SLOW_MS=200
batches=$(tier 14 60)
lend() { # first value, batches
    "$BIN/network-knock" lend catalogue "$ENDPOINT" keys/aggregator.pub east keys/east.key "$1" "$2" >lend.out || fail "$(tail -n 1 lend.out)"
}
most() { sort -k2n lend.out | tail -n 1; } # a machine that is busy with something else may look slow for a moment
memory() { awk '/^VmRSS:/ { print $2 }' /proc/$aggregator_pid/status; }
PRELOAD=$BIN/libnetwork-preload.so start_aggregator
lend 0 "$batches"
full=$(most) before=$(memory)
touch slow
lend "$batches" "$batches" &
background_pids=$!
answered=0 last=0
while ! is_gone $background_pids; do
    ask query homes --unit A --period 2000-01
    expect_status 0 "a question while the disk is slow"
    # Every batch has the same cell with a value one higher than the one before: never less than was told before.
    value=$(tail -n 1 last.out | cut -d, -f5)
    [ "$value" -ge "$last" ] || fail "a figure went back from $last to $value"
    last=$value answered=$((answered + 1))
done
wait $background_pids || fail "$(tail -n 1 lend.out)"
background_pids=''
least=$(tail -n 1 lend.out) after=$(memory)
[ $((${least#credit } * 4)) -le "${full#credit }" ] || fail "a slow disk leaves $least of $full"
[ "$answered" -ge "$batches" ] || fail "only $answered answers while $batches batches waited for the disk"
! release_only || [ "$after" -le $((before * 11 / 10 + 4096)) ] || fail "memory grew from $before to $after KiB"
rm slow
lend $((batches * 2)) $((batches * 3))
[ "$(most)" = "$full" ] || fail "the disk is quick again, but of $full only $(most)"
stop_aggregator
say "$full, then $least and back; $answered answers while $batches batches waited for the disk; $before to $after KiB"
counts faults=$((batches + 1)) records=$((records + batches * 750)) lost=0 doubled=0 seed=0
