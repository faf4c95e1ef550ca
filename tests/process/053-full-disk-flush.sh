#!/usr/bin/env bash
# The disk fills up while pages are being written: at every moment what was acknowledged is there to the last figure and
# nothing else is; the aggregator goes on (or stops and starts again) and mends itself when there is room.
. "$(dirname "$0")/common.sh"
mkdir small
mount -t tmpfs -o size=12m none small 2>/dev/null || { echo "cannot mount a small disk here" && exit 77; }
trap 'code=$?; kill -9 $aggregator_pid $background_pids 2>/dev/null; wait 2>/dev/null; cd /; umount "$PLACE/small" 2>/dev/null; (exit $code); finish' EXIT
city east
sed -i 's#sqlite:data/#sqlite:small/#' aggregator.yaml
start_aggregator
sum=0 count=0 full=0
deliver() { # year: one file, a figure a month for a1 and a2; returns what the collector said
    { echo element,unit,period,value
      for month in 01 02 03 04 05 06 07 08 09 10 11 12; do echo "homes,a1,$1-$month,$1" && echo "homes,a2,$1-$month,1"; done; } |
        put east "$1.csv"
    collect east --timeout "$2"
}
right() { # what
    ask query homes --unit A --period 1950..2049
    expect_status 0 "$1"
    [ "$(tail -n 1 last.out | cut -d, -f5)" = "$sum" ] || fail "$1: $sum were acknowledged, the answer is $(tail -n 1 last.out)"
}
for year in $(seq 1950 2049); do
    # Less and less room in each round, until nothing goes.
    head -c 700k /dev/urandom >"small/ballast.$year" 2>/dev/null
    deliver "$year" 2
    if [ $status -ne 0 ]; then
        full=$((full + 1))
        kill -0 $aggregator_pid 2>/dev/null || fail "the aggregator ended"
        # What was not acknowledged may or may not be kept; the collector brings it again, so let it.
        rm -f small/ballast.*
        collect east --timeout 20
        expect_status 0 "with room again $year goes through"
    fi
    sum=$((sum + 12 * year + 12)) count=$((count + 1))
    right "after $year"
    if [ $full -ge 3 ]; then break; fi
done
[ $full -ge 3 ] || fail "the disk never was full"
say "$count years delivered, three times on a full disk, and every figure right in between"
head -c 16m /dev/zero >small/last 2>/dev/null
kill_aggregator
"$BIN/suanpan-aggregator" --config aggregator.yaml --lang en 2>>aggregator.log & aggregator_pid=$!
sleep 1
if is_gone $aggregator_pid; then
    wait $aggregator_pid; code=$?
    [ $code -eq 4 ] || [ $code -eq 1 ] || fail "exit $code"
    say "started on a full disk it says so and ends with exit $code"
    tail -n 1 aggregator.log
    aggregator_pid=''
else
    right "started on a full disk"
    kill_aggregator
fi
rm -f small/last small/ballast.*
start_aggregator
right "after a kill on a full disk"
stop_aggregator
right "in the stopped store"
