#!/usr/bin/env bash
# Thousands of connections made and closed: memory comes to rest, descriptors stay as many as they were.
. "$(dirname "$0")/common.sh"
ENDPOINT=tcp://127.0.0.1:$(free_port)
city east
connections=$(tier 5000 100000)
release_only || connections=500
start_aggregator
descriptors=$(ls /proc/$aggregator_pid/fd | wc -l)
"$BIN/network-knock" churn catalogue "$ENDPOINT" keys/aggregator.pub east keys/east.key "$connections" $aggregator_pid >churn.out 2>&1 ||
    { cat churn.out; fail "the aggregator does not take all of them"; }
cat churn.out
plateau() { # percent : memory grew by less over the second half
    awk -v most="$1" '{ kib[NR] = $3 } END { half = int(NR / 2); grown = (kib[NR] - kib[half]) * 100 / kib[half];
        printf "grown by %.2f %% over the second half\n", grown; exit !(NR >= 8 && grown < most) }' "$2"
}
# A hundred thousand come to rest; five thousand are the beginning of the way there.
! release_only || plateau "$(tier 15 1)" churn.out || fail "memory goes on growing"
few_again() { [ "$(ls /proc/$aggregator_pid/fd | wc -l)" -le $((descriptors + 2)) ]; }
wait_for 60 "as few descriptors as before ($descriptors)" few_again
# Control: growth without end is noticed.
for tenth in 1 2 3 4 5 6 7 8 9 10; do echo "$tenth connections: $((10000 + tenth * 2000)) KiB, 30 descriptors"; done >grown.out
plateau 15 grown.out && fail "control: growth is not noticed"
say "control: growth is noticed"
stop_aggregator
counts faults=$connections records=0 lost=0 doubled=0 seed=0
