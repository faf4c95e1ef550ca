#!/usr/bin/env bash
# An agent with a valid key does thirty things it should not: each is refused with its code, nobody else's data is touched,
# the others' acknowledgements go on, memory stays bounded.
. "$(dirname "$0")/common.sh"
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east west
hostile() { # MEMORY-MIB
    "$BIN/network-hostile" catalogue "$ENDPOINT" keys/aggregator.pub keys/east.key keys/west.key $aggregator_pid "$1"
}
in_ledger() { # agent : batches
    sqlite3 -readonly data/suanpan.db "SELECT count(*) FROM ledger JOIN outbox ON outbox.id = ledger.outbox WHERE agent = '$1'"
}
memory_mib=256
release_only || memory_mib=4096
start_aggregator
hostile $memory_mib >hostile.out 2>&1 || { cat hostile.out; fail "something was not refused"; }
cat hostile.out
read -r _ cases _ east _ west < <(grep '^cases ' hostile.out)
[ "$cases" -ge 20 ] || fail "only $cases cases"
expect_in aggregator.log route_chosen_by_peer "who chose its route is in the log"
stop_aggregator
[ "$(in_ledger east)" = "$east" ] || fail "East was acknowledged $east batches, the ledger has $(in_ledger east)"
[ "$(in_ledger west)" = "$west" ] || fail "West was acknowledged $west batches, the ledger has $(in_ledger west)"
ask query homes --unit A --period 2000..8999
[ "$(tail -n 1 last.out | cut -d, -f5)" = "$east" ] || fail "East's figures: $(tail -n 1 last.out), expected $east"
say "$cases cases; every batch of the honest agent is there once ($east), and nothing else"
# Control: a peer whose scope is everybody's has to be noticed.
mv data data.hostile
sed -i 's/^west,B/west,C/' agents.csv
start_aggregator
hostile $memory_mib >control.out 2>&1 && fail "control: writing for a foreign unit was not noticed"
expect_in control.out 'expected forbidden' "control: a foreign unit that is accepted is noticed"
kill_aggregator
rm -rf data && mv data.hostile data
# One message of endlessly many parts: libzmq keeps it all and shows none of it. Sent without encryption, because no library
# would send it; the honest agent's figures go through meanwhile.
echo 'security: none' >>aggregator.yaml
echo 'security: none' >>east.yaml
memory() { awk '/^VmHWM:/ { print int($2 / 1024) }' /proc/$aggregator_pid/status; }
start_aggregator
"$BIN/network-raw" endless "${ENDPOINT##*:}" 700000000 >endless.out &
background_pids=$!
printf 'element,unit,period,value\nhomes,a1,1999-12,1\n' | put east endless.csv
collect east --timeout 60
expect_status 0 "the honest agent delivers meanwhile"
wait $background_pids; background_pids=''
expect_in aggregator.log connection_cut "a message of endlessly many parts is cut off"
peak=$(memory)
[ "$peak" -lt $memory_mib ] || fail "an endless message took $peak MiB"
say "$(cat endless.out) went out before it was cut, $peak MiB"
stop_aggregator
if release_only; then
    PRELOAD=$BIN/libnetwork-preload.so SUANPAN_NO_CUT=1 start_aggregator
    "$BIN/network-raw" endless "${ENDPOINT##*:}" 700000000 >endless.out
    [ "$(memory)" -ge $((peak * 3)) ] || fail "control: an endless message that nobody cuts took $(memory) MiB"
    say "control: when nobody cuts it, it takes $(memory) MiB"
    kill_aggregator
fi
counts faults=$((cases + 1)) records=$((east + west)) lost=0 doubled=0 seed=0
