#!/usr/bin/env bash
# Copies of one outbox. Two that run at the same time are both held, with an alert that names the one outbox twice. One that
# went on by itself has another history: the batch at which they part is searched for and named to the number, and what the
# copy holds from there on arrives under a new outbox, once.
. "$(dirname "$0")/common.sh"
city east
files() { # inbox first last: file N reports month N with value 2^N mod 1000003
    local n
    for n in $(seq "$2" "$3"); do
        printf 'element,unit,period,value\nhomes,a1,%04d-%02d,%s\n' $((2000 + n / 12)) $((1 + n % 12)) $((n * 7919 % 10007)) | put "$1" "f$n.csv"
        touch -d "@$((1577808000 + n))" "inbox/$1/f$n.csv"
    done
}
sum_of() { local n total=0; for n in $(seq "$1" "$2"); do total=$((total + n * 7919 % 10007)); done; echo $total; }
twin() { # NAME: the same agent with another outbox and inbox
    sed "s|outbox/east|outbox/$1|; s|inbox/east|inbox/$1|" east.yaml >"$1.yaml"
    mkdir -p "inbox/$1"
}
# A collector that lost its session waits a minute of its clock before it comes again: 30 times as fast here.
faked=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -n 1)
serve() { env "${quick[@]}" "$BIN/suanpan-collector" --config "$1.yaml" --lang en >>"$1.log" 2>&1 & service=$!; background_pids="$background_pids $service"; }
stop() { kill -9 "$1" && wait "$1" 2>/dev/null; return 0; }
total() { ask query homes --period 2000..2099 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$1" ]; }

say "where two histories part"
shared=13 last=37
for delivered in 20 $(tier '' '14 36 37'); do # of the original's, beyond the shared ones
    rm -rf data outbox inbox/* && mkdir -p inbox/east
    : >aggregator.log
    start_aggregator
    files east 1 $shared
    collect east
    expect_status 0 "the shared batches"
    twin copy
    rm -rf outbox/copy && cp -r outbox/east outbox/copy
    files east $((shared + 1)) "$delivered"
    collect east
    expect_status 0 "the original goes on"
    stop_aggregator
    # The copy goes on where nobody hears it, and is started more often: its epoch is the higher one.
    for start in 1 2 3; do
        files copy $((100 + last - start * 3 + 1)) $((100 + last - start * 3 + 3))
        collect copy --timeout 1
        expect_status 4 "start $start of the copy"
    done
    files copy $((100 + delivered)) $((100 + last - 9))
    collect copy --timeout 1
    expect_status 4 "the copy goes on too"
    start_aggregator
    collect copy --timeout 60
    expect_status 0 "the copy delivers"
    expect_in aggregator.log "outbox_forked agent=east number=$((shared + 1)) detail=\"from=$((shared + 1)) to=$delivered\"" "they part after $shared of $delivered batches"
    ask alerts
    grep -qE "^outbox_forked\.east,outbox_forked,open,.*from=$((shared + 1)) to=$delivered" last.out || fail "the alert: $(cat last.out)"
    total $(($(sum_of 1 "$delivered") + $(sum_of $((100 + delivered)) $((100 + last))))) || fail "not the figures of both: $(cat last.out)"
    ask verify --full
    expect_status 0 "verify"
    stop_aggregator
done
say "every file of both is there once"

# Control: a copy that adds nothing of its own has the same history, and nobody speaks of a fork.
rm -rf data outbox inbox/* && mkdir -p inbox/east
: >aggregator.log
start_aggregator
files east 1 9
collect east
rm -rf outbox/copy && cp -r outbox/east outbox/copy && mkdir -p inbox/copy
collect copy
expect_status 0 "a copy with the same history"
grep -q outbox_forked aggregator.log && fail "control: a fork where there is none"

[ -n "$faked" ] && [ $preset != tsan ] ||
    { say "two copies at once: not tried, there is no libfaketime or it cannot be used" && exit 0; }
quick=("LD_PRELOAD=$ahead$faked" "FAKETIME=+0 x30" FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1)
say "two copies at once"
cp -r outbox/copy outbox/other
twin other
serve copy; first=$service
wait_for 20 "the first to be connected" grep -q 'agent_connected' aggregator.log
grep -q two_collectors aggregator.log && fail "control: one alone fights with nobody"
serve other; second=$service
wait_for 60 "the fight to be noticed" grep -q 'two_collectors agent=east' aggregator.log
ask alerts
pair=$(sed -n 's/^two_collectors\.east,two_collectors,open,critical,east,A,.*one=\([0-9a-f]\{32\}\)@.* other=\([0-9a-f]\{32\}\)@.*/\1 \2/p' last.out)
[ -n "$pair" ] && [ "${pair% *}" = "${pair#* }" ] || fail "the alert does not name one outbox twice: $(cat last.out)"
for one in copy other; do
    wait_for 60 "$one to say that both are held" grep -q 'delivery_stands.*both are held' $one.log
done
say "both are held, both say so, and the alert names their one outbox twice"
files copy 10 10
wait_for 20 "the held one to take a file all the same" test -f inbox/copy/done/f10.csv
total "$(sum_of 1 9)" || fail "a held collector delivered"
stop $second
kill_aggregator # its operator has put things right; the ten minutes of holding go with the process
start_aggregator
wait_for 60 "the one that is left to deliver" total "$(sum_of 1 10)"
say "with one of them gone, what it took meanwhile arrives"
stop $first
