#!/usr/bin/env bash
# Who gets in: a table of keys and sockets, each tried against the running aggregator. Nobody but the active agent does.
. "$(dirname "$0")/common.sh"
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east revoked gone
sed -i 's/^\(revoked,.*\),active/\1,revoked/; /^gone,/d' agents.csv
keys_of stranger
"$BIN/suanpan" keygen keys other_server >/dev/null
events=tcp://127.0.0.1:$(free_port)
sed -i "s#^  queries: .*#&\n  events: $events#" aggregator.yaml
start_aggregator
queries=$(sed -n 's/^ *queries: *ipc:\/\///p' aggregator.yaml)
accepted=0 tried=0 wait=$((1500)) # ms without an answer: a handshake that is refused is never answered at all
enter() { # what, expected, endpoint, server key, own key, [plain]
    local heard
    heard=$("$BIN/network-knock" enter "$3" "keys/$4.pub" "keys/$5.key" "$(if [ "$2" = nothing ]; then echo $wait; else echo 30000; fi)" ${6:-})
    tried=$((tried + 1))
    [ "$heard" = "heard $2" ] || fail "$1: expected $2, $heard"
    [ "$2" = nothing ] || accepted=$((accepted + 1))
    say "$1: $2"
}
enter "the active agent" welcome "$ENDPOINT" aggregator east
enter "a key nobody knows" nothing "$ENDPOINT" aggregator stranger
enter "a revoked key" nothing "$ENDPOINT" aggregator revoked
enter "a key that was removed" nothing "$ENDPOINT" aggregator gone
enter "the office's own key" nothing "$ENDPOINT" aggregator aggregator
enter "another server's key" nothing "$ENDPOINT" other_server east
enter "no encryption" nothing "$ENDPOINT" aggregator east plain
enter "an agent at the office's socket" nothing "ipc://$queries" aggregator east
enter "a stranger at the office's socket" nothing "ipc://$queries" aggregator stranger
enter "no encryption at the office's socket" nothing "ipc://$queries" aggregator east plain
[ $accepted -eq 1 ] || fail "$accepted of $tried got in"
sed -i 's/^\(east,.*\),active/\1,revoked/' agents.csv
wait_for 10 "agents.csv to be read again" grep -q agents_reloaded aggregator.log
enter "the active agent, revoked meanwhile" nothing "$ENDPOINT" aggregator east
sed -i 's/^\(east,.*\),revoked/\1,active/' agents.csv
kill_aggregator
start_aggregator
enter "active again, after a restart" welcome "$ENDPOINT" aggregator east
stop_aggregator
if [ $preset != tsan ]; then
    # Control: an aggregator whose sockets do not ask who comes. ZeroMQ 4.3.4 lets anybody in then; intake takes nothing of
    # somebody without a name all the same, but it answers, and that must be noticed here.
    PRELOAD=$BIN/libnetwork-preload.so SUANPAN_OPEN=1 start_aggregator
    heard=$("$BIN/network-knock" enter "$ENDPOINT" keys/aggregator.pub keys/stranger.key 30000)
    [ "$heard" != "heard nothing" ] || fail "control: sockets that ask nobody are not noticed"
    [ "$heard" = "heard nack" ] || fail "somebody without a name was taken in: $heard"
    say "control: a socket that asks nobody is noticed, and even there who has no name is refused"
    kill_aggregator
fi
counts faults=$tried records=0 lost=0 doubled=0 seed=0
