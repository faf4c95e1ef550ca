#!/usr/bin/env bash
# Reads, writes, syncs and names fail, once or for a while, at any call of either program (at night at each of them): nothing is acknowledged after a
# sync that failed, the program says what is wrong, and goes on or ends for its supervisor to start it anew; then all is
# well: every figure once, every file in its place, the store verifies. Control: a store that forgets must be noticed.
. "$(dirname "$0")/common.sh"
. "$HERE/../faults/common.sh"
scratch
if [ "$(tier ci nightly)" = ci ]; then each() { spread "$@"; }; prepare 10; else each() { exhaust "$1" "$3"; }; prepare 3; fi
each sync 2 1
each eio 1 1
each enospc 1 1
each enospc 1 40
each eintr 1 1
each short 1 1
each name 1 1
# A file that cannot be read just now waits while others are taken: no file may depend on the one before.
CORRECTIONS=no prepare $files
each read 1 1
[ $fired -ge $((runs / 2)) ] || fail "only $fired of $runs faults happened"

say "control: syncs fail and nobody is told"
kind=sync
fresh
faulty sync 0 0
ready_before=0
"${recorded[@]}" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >faulty.out 2>aggregator.log & aggregator_pid=$!
wait_for 60 "ready" count_ready
"${recorded[@]}" "$BIN/suanpan-collector" --config east.yaml --once --lang en >last.out 2>last.err
kill_aggregator
mkdir -p "$SCRATCH/cut"
"$BIN/powercut" base recording "$PLACE" "$SCRATCH/cut" --end --images 6 --ignore log >cut.out 2>cut.err || fail "powercut"
grep -q 'broken=0$' cut.out && fail "the harness does not notice acknowledgements of what is on no disk"
counts faults=$fired records=$records lost=0 doubled=0 seed=$SUANPAN_SEED
