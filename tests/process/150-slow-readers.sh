#!/usr/bin/env bash
# Readers who never read: an office that asks and asks, a subscriber to everything, browsers that dawdle, send endless heads or
# hold connections. Districts are served all the while, memory stays where it is, and the page answers again once they are gone.
. "$(dirname "$0")/common.sh"
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east
events=tcp://127.0.0.1:$(free_port) http=$(free_port)
sed -i "s#^  queries: .*#&\n  events: $events\n  http: 127.0.0.1:$http#" aggregator.yaml
rounds=$(tier 10 200) round=0 growth=128 # MiB
release_only || growth=2048 # what is freed is kept for a while
start_aggregator
queries=ipc://$PLACE/data/query.sock
deliver() { # a file that changes hundreds of figures
    { echo element,unit,period,value
      for year in $(seq 2000 2014); do for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
          echo "homes,a1,$year-$month,$round" && echo "fee,a1,$year-$month,$round.25"; done; done; } | put east r$round.csv
    collect east --timeout 60
    expect_status 0 "a file delivered ($1)"
    round=$((round + 1))
}
resident() { awk '/^VmRSS:/ { print int($2 / 1024) }' /proc/$aggregator_pid/status; }
page() { curl -sf --max-time 5 -o page.out "http://127.0.0.1:$http/healthz"; }
deliver "before"
wait_for 20 "the page" page
before=$(resident)
declare -A input
hold() { # name, command... : runs until let_go
    local name=$1
    shift
    mkfifo $name.in
    "$@" <$name.in >$name.out 2>&1 &
    background_pids="$background_pids $!"
    exec {fd}>$name.in
    input[$name]=$fd
}
hold deaf_office "$BIN/network-knock" deaf "$queries" keys/aggregator.pub keys/aggregator.key 2000
hold deaf_subscriber "$BIN/network-knock" deaf "$events" keys/aggregator.pub keys/east.key 0
for ((i = 0; i < rounds; i++)); do deliver "beside a deaf office and a deaf subscriber"; done
hold dawdlers "$BIN/network-raw" drip $http 100 "$(printf 'GET /api/v1/query HTTP/1.1\r\nHost: localhost\r\n')"
head=$(head -c 60000 /dev/zero | tr '\0' x)
hold heads "$BIN/network-raw" many $http 100 "$(printf 'GET / HTTP/1.1\r\nHost: localhost\r\nX: %s' "$head")"
hold askers "$BIN/network-raw" many $http 100 "$(printf 'GET /api/v1/records HTTP/1.1\r\nHost: localhost\r\n\r\n')
"
for ((i = 0; i < rounds / 2; i++)); do deliver "beside three hundred bad browsers"; done
after=$(resident)
[ "$after" -lt $((before + growth)) ] || fail "memory went from $before to $after MiB"
cat deaf_office.out
# Each phase of a request may last ten seconds; the connections held back come then. Generously:
wait_for 120 "the page to answer beside them" page
say "$round files delivered, $before MiB before, $after MiB after; the page answers beside all of them"
for fd in "${input[@]}"; do exec {fd}>&-; done
wait $background_pids
background_pids=''
wait_for 60 "the page" page
ask query homes --period 2000..2014
grep -q ",$((180 * (round - 1)))," last.out || fail "not the last figures: $(cat last.out)"
wait_for 30 "memory to be let go" [ "$(resident)" -lt $((before + growth)) ]
stop_aggregator
# libevent warns when it is asked to watch a number whose socket was closed under it.
! grep -m 1 -F '[warn]' aggregator.log || fail "a closed connection was still watched"
# Control: an aggregator that keeps every answer for an office that never reads grows, and that is noticed.
if release_only; then
    PRELOAD=$BIN/libnetwork-preload.so SUANPAN_NO_HWM=1 start_aggregator
    before=$(resident)
    hold deafer_office "$BIN/network-knock" deaf "$queries" keys/aggregator.pub keys/aggregator.key 20000
    grown() { [ "$(resident)" -ge $((before + 128)) ]; }
    wait_for 60 "control: growth to be noticed ($before MiB before)" grown
    say "control: without an end to what waits for a reader memory goes from $before to $(resident) MiB"
    kill_aggregator
    exec {input[deafer_office]}>&-
fi
counts faults=302 records=$((round * 360)) lost=0 doubled=0 seed=0
