#!/usr/bin/env bash
# The district's disk fills up and is freed, again and again: files wait in the inbox, what is under way is delivered and
# acknowledged all the same (the ballast gives the room for it), and within seconds of there being room all goes on.
. "$(dirname "$0")/common.sh"
mkdir small
mount -t tmpfs -o size=6m none small 2>/dev/null || { echo "cannot mount a small disk here" && exit 77; }
trap 'code=$?; kill -9 $aggregator_pid $background_pids 2>/dev/null; wait 2>/dev/null; cd /; umount "$PLACE/small" 2>/dev/null; cd "$PLACE"; (exit $code); finish' EXIT
city east
sed -i 's#outbox: outbox/#outbox: small/#' east.yaml
echo '    settle_seconds: 0' >>east.yaml
cycles=$(tier 5 100)
sum=0 records=0
file() {
    { echo element,unit,period,value
      for month in 01 02 03 04 05 06 07 08 09 10 11 12; do echo "homes,a1,$1-$month,$1"; done; } | put east "$1.csv"
    sum=$((sum + 12 * $1)) records=$((records + 12))
}
right() { ask query homes --unit A --period 1900..2199 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$sum" ]; }
acked() { [ "$(sqlite3 "file:small/east/outbox.db?mode=ro" 'SELECT high - acked FROM meta')" = 0 ]; }
start_aggregator
"$BIN/suanpan-collector" --config east.yaml --lang en >east.out 2>east.log & background_pids=$!
file 1900
wait_for 20 "the first file" right
[ -s small/east/ballast ] || fail "there is no ballast"
slowest=0
for ((cycle = 1; cycle <= cycles; cycle++)); do
    paused=$(grep -c taking_paused east.log)
    # What is taken while the aggregator is stopped is under way when the disk is full.
    kill -STOP $aggregator_pid
    file $((1900 + 2 * cycle - 1))
    taken() { [ ! -e "inbox/east/$((1900 + 2 * cycle - 1)).csv" ]; }
    wait_for 20 "file $cycle to be taken" taken
    cat /dev/zero >small/filler 2>/dev/null
    kill -CONT $aggregator_pid
    file $((1900 + 2 * cycle))
    is_paused() { [ "$(grep -c taking_paused east.log)" -gt "$paused" ]; }
    wait_for 20 "the full disk to be said" is_paused
    wait_for 20 "what was under way to be acknowledged on a full disk" acked
    [ -e "inbox/east/$((1900 + 2 * cycle)).csv" ] || fail "the file should wait in the inbox"
    kill -0 $background_pids 2>/dev/null || fail "the collector ended"
    rm small/filler
    from=$(date +%s%N)
    wait_for 20 "the waiting file to be taken" right
    took=$((($(date +%s%N) - from) / 1000000))
    [ $took -le $slowest ] || slowest=$took
done
[ $slowest -lt 5000 ] || say "a loaded machine: $slowest ms"
say "$cycles times full and free again; slowest back in $slowest ms"
file 2199
wait_for 20 "the last file" right
[ -s small/east/ballast ] || fail "the ballast was not put back"
kill $background_pids; wait $background_pids 2>/dev/null; background_pids=''
# Control: an outbox without its ballast, on a disk that is full to the last byte, cannot write down what is acknowledged.
sed -i '/^ballast_mib/d' east.yaml && echo 'ballast_mib: 0' | cat - east.yaml >bare.yaml
rm -f small/east/ballast
"$BIN/suanpan-collector" --config bare.yaml --lang en >east.out 2>>east.log & background_pids=$!
kill -STOP $aggregator_pid
file 2198
taken() { [ ! -e inbox/east/2198.csv ]; }
wait_for 20 "the control's file to be taken" taken
cat /dev/zero >small/filler 2>/dev/null
kill -CONT $aggregator_pid
wait_for 20 "it to arrive" right
sleep 2
acked && fail "control: without a ballast there is room all the same"
say "control: without the ballast nothing is written down on a full disk"
rm small/filler
wait_for 20 "it to be written down with room again" acked
kill $background_pids; wait $background_pids 2>/dev/null; background_pids=''
counts faults=$cycles records=$records lost=0 doubled=0 seed=0
