#!/usr/bin/env bash
# Two collectors of one name. With outboxes of their own they take the agent from each other: after three take-overs both are
# held and an alert names both. With copies of one outbox nothing is lost or counted twice. A lost outbox is an incident.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
homes() { printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3-$4.csv"; }
total() { ask query homes --period 2020 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$1" ]; }
twin() { # NAME: a second collector of the agent east, with inbox and outbox of its own
    sed "s|outbox/east|outbox/$1|; s|inbox/east|inbox/$1|" east.yaml >"$1.yaml"
    mkdir -p "inbox/$1"
}
serve() { "$BIN/suanpan-collector" --config "$1.yaml" --lang en >>"$1.log" 2>&1 & service=$!; background_pids="$background_pids $service"; }
stop() { kill -9 "$1" && wait "$1" 2>/dev/null; return 0; }

say "the disk died: a new outbox"
homes east a1 01 1
collect east
expect_status 0 east
mv outbox/east outbox/lost
homes east a1 02 10
collect east
expect_status 0 "the new outbox is accepted"
total 11 || fail "both outboxes count: $(cat last.out)"
ask incidents
grep -qE '^outbox_replaced,east,[0-9a-f]{32},,,1,' last.out || fail "incidents: $(cat last.out)"
ask alerts
expect_in last.out '^outbox_replaced\.east,outbox_replaced,open,warning,east,A,.*received=1 not_received=0' "the office hears of it"

say "a copy of the outbox is started elsewhere"
twin copy
cp -r outbox/east outbox/copy
serve east; first=$service
homes east a1 03 100
wait_for 20 "the first collector to deliver" total 111
serve copy; second=$service
homes copy a1 04 1000
wait_for 60 "the copy to deliver what it took" total 1111
expect_in aggregator.log 'outbox_replaced|outbox_forked|hello_refused' "the copy was told from the original"
stop $first
stop $second
ask verify --full
expect_status 0 "verify after a fork"

say "two outboxes fight"
twin other
serve other; first=$service
homes other a1 05 10000
wait_for 20 "the other to deliver" total 11111
pids=''
for turn in 1 2 3 4; do
    : >turn.log
    cp east.yaml turn$turn.yaml
    sed -i "s|outbox/east|outbox/turn$turn|; s|inbox/east|inbox/turn$turn|" turn$turn.yaml
    mkdir -p inbox/turn$turn
    homes turn$turn a1 0$((5 + turn)) 0
    serve turn$turn
    pids="$pids $service"
    said() { grep -qE 'two_collectors' aggregator.log || [ "$(grep -c 'agent_connected' aggregator.log)" -gt "$before" ]; }
    before=$(grep -c 'agent_connected' aggregator.log)
    wait_for 20 "turn $turn to be heard" said
    grep -q two_collectors aggregator.log && break
done
expect_in aggregator.log 'two_collectors agent=east' "the fight is noticed"
ask alerts
expect_in last.out '^two_collectors\.east,two_collectors,open,critical,east,A,.*one=[0-9a-f]{32}@.* other=[0-9a-f]{32}@' "an alert names both outboxes"
fenced() { grep -q 'delivery_stands.*both are held' turn*.log; }
wait_for 20 "the newcomer to say that it is held" fenced
say "both collectors say so"
for pid in $first $pids; do stop "$pid"; done
