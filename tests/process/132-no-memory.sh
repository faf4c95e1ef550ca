#!/usr/bin/env bash
# malloc, calloc or realloc gives nothing, once or for a while, at any call of either program: it says so and ends, or goes
# on; afterwards all is well. The same below a limit on the address space. Control: a program that does not look what it was
# given falls over, and that is noticed.
. "$(dirname "$0")/common.sh"
. "$HERE/../faults/common.sh"
release_only || skip "a sanitizer hands out the memory itself"
scratch
if [ "$(tier ci nightly)" = ci ]; then
    prepare 10
    spread memory 10 1
    spread memory 4 1000000
else # some nights try all
    prepare 3
    exhaust memory 1 7
    exhaust memory 1000000 41
fi
[ $fired -ge $((runs / 2)) ] || fail "only $fired of $runs faults happened"

say "below a limit on the address space"
kind=memory
for mebibytes in $(tier "24 60 140" "$(seq -s ' ' 16 8 300)"); do
    fresh
    ready_before=0
    (ulimit -v $((mebibytes * 1024)) && exec "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en) >faulty.out 2>aggregator.log & aggregator_pid=$!
    wait_for 60 "ready or gone" aggregator_ready_or_gone
    is_gone $aggregator_pid || collect east --timeout 3
    is_gone $aggregator_pid || kill -TERM $aggregator_pid
    wait_for 60 "the end" is_gone $aggregator_pid
    wait $aggregator_pid 2>/dev/null
    code=$?
    aggregator_pid=''
    [ $code -eq 127 ] || ended_well $code "$mebibytes MiB" aggregator.log # 127: not even the loader had room
    (ulimit -v $((mebibytes * 1024)) && exec "$BIN/suanpan-collector" --config east.yaml --once --lang en --timeout 1) >last.out 2>last.err
    code=$?
    [ $code -eq 127 ] || ended_well $code "$mebibytes MiB" last.err
    fired=$((fired + 1))
    all_is_well "$mebibytes MiB"
done

say "control: a program that trusts malloc"
kind=memory
FAULT_KIND=memory FAULT_AT=1 FAULT_LASTS=1000000 LD_PRELOAD=$FAULTS "$BIN/careless" >last.out 2>last.err
code=$?
(ended_well $code "the careless program" last.err) >/dev/null && fail "a crash for want of memory is not noticed"
counts faults=$fired records=$records lost=0 doubled=0 seed=$SUANPAN_SEED
