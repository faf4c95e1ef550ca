#!/usr/bin/env bash
# The ZAP handler dies in ten ways while the aggregator runs, or was never there: nobody gets in, the program says why and
# ends, and started again it lets in whom it should.
. "$(dirname "$0")/common.sh"
needs_preload
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east
keys_of stranger
export SUANPAN_GATE_WHEN=$PLACE/now
tried=0

knock() { # agent milliseconds: what was heard
    tried=$((tried + 1))
    heard=$("$BIN/network-knock" enter "$ENDPOINT" keys/aggregator.pub "keys/$1.key" "$2")
    heard=${heard#heard }
}

# While it lives and afterwards, who has no business here knocks.
knock_until_gone() {
    local i
    for i in $(seq 60); do
        knock stranger 500
        [ "$heard" = nothing ] || return 1
        is_gone $aggregator_pid && return 0
    done
    return 2
}

ended_with_a_word() { # how
    local code
    wait $aggregator_pid
    code=$?
    aggregator_pid=''
    [ $code -eq 1 ] || fail "$1: the program ended with $code"
    grep -q 'gate_failed.*code=gate_dead.*nobody is let in' aggregator.log || fail "$1: without a word"
}

supervised() { # how: started again, as a supervisor would
    rm -f now
    : >aggregator.log
    start_aggregator
    knock stranger 700
    [ "$heard" = nothing ] || fail "$1: started again it lets a stranger in"
    knock east 30000
    [ "$heard" = welcome ] || fail "$1: started again it lets nobody in"
    stop_aggregator
}

for how in poll recv send close exit mute unbind $(tier '' 'killed stuck'); do
    rm -f now
    : >aggregator.log
    SUANPAN_GATE=$how PRELOAD=$BIN/libnetwork-preload.so start_aggregator
    knock east 30000
    [ "$heard" = welcome ] || fail "$how: not even before"
    touch now
    [ $how != exit ] || touch agents.csv # the new table finds nobody to take it
    knock_until_gone
    case $? in
    1) fail "$how: a stranger heard $heard" ;;
    2) fail "$how: the program goes on" ;;
    esac
    ended_with_a_word $how
    say "$how: nobody got in, and the program ended"
    [ $how = poll ] || [ $how = exit ] || continue
    supervised $how
done

: >aggregator.log
SUANPAN_GATE=absent LD_PRELOAD=$ahead$BIN/libnetwork-preload.so \
    "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >>aggregator.out 2>>aggregator.log &
aggregator_pid=$!
knock_until_gone || fail "absent: $heard"
ended_with_a_word absent
grep -q ' ready ' aggregator.log && fail "absent: it said that it is ready"
say "absent: it does not even start"

# Controls. A sound gate is left alone:
: >aggregator.log
SUANPAN_GATE=none PRELOAD=$BIN/libnetwork-preload.so start_aggregator
touch now
sleep 7
is_gone $aggregator_pid && fail "control: a sound gate is taken for dead"
# ... and a stranger who gets in is noticed, when the sockets do not insist on an answer.
kill_aggregator
rm -f now
: >aggregator.log
SUANPAN_LENIENT=1 SUANPAN_GATE=unbind PRELOAD=$BIN/libnetwork-preload.so start_aggregator
touch now
sleep 1.5
knock_until_gone
[ $? -eq 1 ] && [ "$heard" = nack ] || fail "control: a stranger who gets in is not noticed ($heard)"
say "controls: a gate that lives is left alone; a stranger who gets in is noticed, and even then nothing is taken of them"
kill_aggregator
counts faults=$tried records=0 lost=0 doubled=0 seed=0
