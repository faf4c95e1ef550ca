#!/usr/bin/env bash
# A limit on the size of files, a file system that may only be read, an inbox on another file system, pipes and devices where
# files are expected: a word why, no hanging, no death by a signal, nothing lost.
. "$(dirname "$0")/common.sh"
city east
row() { printf 'element,unit,period,value\nhomes,a1,2020-%s,%s\n' "$1" "$2"; }
right() { ask query homes --period 2020; [ "$(tail -n 1 last.out | cut -d, -f5)" = "$1" ] || fail "$2: $1 expected: $(tail -n 1 last.out)"; say "$2"; }
quick() { timeout "${patience:-60}" "$@" >last.out 2>last.err; status=$?; [ $status -lt 124 ] || fail "exit $status: $*"; }
start_aggregator
row 01 1 | put east 1.csv
collect east
expect_status 0 "the first file"

say "the collector may not make files larger than it has"
row 02 10 | put east 2.csv
(ulimit -f 1 && quick "$BIN/suanpan-collector" --config east.yaml --once --lang en --timeout 2 && [ $status -ne 0 ]) || fail "died, or had no trouble"
collect east
expect_status 0 "without the limit"
right 11 "nothing is lost or doubled"

say "nor the aggregator"
stop_aggregator
: >aggregator.log
(ulimit -f 1; exec "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >>aggregator.out 2>>aggregator.log) & aggregator_pid=$!
ready_before=0
wait_for 20 "ready or gone" aggregator_ready_or_gone
row 03 100 | put east 3.csv
is_gone $aggregator_pid || collect east --timeout 2
if is_gone $aggregator_pid; then
    wait $aggregator_pid; code=$?
    [ $code -eq 1 ] || [ $code -eq 4 ] || fail "exit $code"
    expect_in aggregator.log ' error ' "it says why"
else
    kill_aggregator
fi
start_aggregator
collect east
expect_status 0 "without the limit"
right 111 "nothing is lost or doubled"

say "pipes and devices"
mkfifo inbox/east/pipe.csv
[ "$(id -u)" -ne 0 ] || mknod inbox/east/device.csv c 1 5 2>/dev/null
row 04 1000 | put east 4.csv
quick "$BIN/suanpan-collector" --config east.yaml --once --lang en --timeout 20
expect_status 0 "a pipe in the inbox is no file"
right 1111 "what lies beside it is taken"
rm -f inbox/east/pipe.csv inbox/east/device.csv
for file in units.csv elements.csv holidays.csv datapackage.json; do
    cp -r catalogue odd
    rm -f "odd/$file" && mkfifo "odd/$file"
    quick "$BIN/suanpan" --lang en catalogue check odd
    [ $status -ne 0 ] || fail "a pipe for $file was taken for a table"
    rm -rf odd
done
mv keys/east.pub keys/east.kept && mkfifo keys/east.pub
quick "$BIN/suanpan-aggregator" --config aggregator.yaml --check --lang en
expect_status 2 "a pipe for a key"
rm keys/east.pub && mv keys/east.kept keys/east.pub

mkdir other
if mount -t tmpfs -o size=4m none other 2>/dev/null; then
    trap 'code=$?; kill -9 $aggregator_pid 2>/dev/null; wait 2>/dev/null; aggregator_pid=; cd /; umount "$PLACE/other" 2>/dev/null; (exit $code); finish' EXIT
    say "an inbox on another file system"
    mv inbox/east other/ && ln -s "$PLACE/other/east" inbox/east
    row 05 10000 | put east 5.csv
    collect east
    expect_status 0 "it is taken from there"
    [ -f other/east/done/5.csv ] || fail "it is not in done/"
    right 11111 "and arrives"
    say "which may only be read"
    row 06 100000 | put east 6.csv
    mount -o remount,ro other || fail "remount"
    quick "$BIN/suanpan-collector" --config east.yaml --once --lang en --timeout 3
    [ $status -ne 0 ] || fail "no trouble at all"
    [ -s last.err ] || fail "without a word"
    mount -o remount,rw other
    collect east
    expect_status 0 "writable again"
    right 111111 "it counts once"
fi
# Controls: a program that dies of the limit, one that hangs, and a figure too many.
patience=1
(quick sh -c 'ulimit -f 1; exec head -c 100000 /dev/zero') >/dev/null && fail "control: death by a signal is not noticed"
(quick sleep 30) >/dev/null && fail "control: hanging is not noticed"
(right 7 "no such figure") >/dev/null && fail "control: a wrong figure is not noticed"
say "controls: a death, a program that hangs and a wrong figure are noticed"
stop_aggregator
counts faults=12 records=6 lost=0 doubled=0 seed=0
