#!/usr/bin/env bash
# A small disk fills up and is freed again and again, the aggregator's and the collector's: neither ends for good, files wait
# in the inbox, nothing acknowledged is lost, and once there is room everything arrives by itself. Control: a figure too many
# is noticed.
. "$(dirname "$0")/common.sh"
. "$HERE/../faults/common.sh"
mkdir disk
mount -t tmpfs -o size=40m none disk 2>/dev/null || { echo "cannot mount a small disk here" && exit 77; }
trap 'code=$?; kill -9 $aggregator_pid $background_pids 2>/dev/null; wait 2>/dev/null; cd /; umount "$PLACE/disk" 2>/dev/null; (exit $code); finish' EXIT
CYCLES=$(tier 6 100)
city east
sed -i 's#sqlite:data/#sqlite:disk/#' aggregator.yaml
sed -i 's#^outbox: .*#outbox: disk/outbox#; s#    inbox: .*#    inbox: disk/inbox\n    settle_seconds: 0#' east.yaml
mkdir disk/inbox
start_aggregator
service() { "$BIN/suanpan-collector" --config east.yaml --lang en >>east.log 2>&1 & background_pids=$!; }
service
sum=0
total() { ask query homes --unit A --period 1950..2099 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$sum" ]; }
supervise() { # what a service manager does
    is_gone $background_pids && { wait $background_pids 2>/dev/null; service; ended=$((ended + 1)); }
    is_gone $aggregator_pid && { wait $aggregator_pid 2>/dev/null; start_aggregator; ended=$((ended + 1)); }
    return 0
}
arrived() { supervise; total; }
ended=0
for cycle in $(seq "$CYCLES"); do
    # A clerk's file is there whole, or not at all: it is put while there is room.
    { echo element,unit,period,value
      for month in 01 02 03 04 05 06 07 08 09 10 11 12; do echo "homes,a1,$((1950 + cycle)).,1" | sed 's/\.,/-'$month',/'; done
      echo "homes,a2,$((1950 + cycle))-01,$cycle"; } >one.csv
    leave=$((RANDOM % 3 * 100))
    cp one.csv "disk/inbox/.$cycle" && mv "disk/inbox/.$cycle" "disk/inbox/$cycle.csv" || fail "no room for the file itself"
    head -c "$(($(df --output=avail -B1 disk | tail -n 1) - leave * 1024))" /dev/zero >disk/filling 2>/dev/null
    sleep 0.$((RANDOM % 9))
    supervise
    rm -f disk/filling
    sum=$((sum + 12 + cycle))
    wait_for 60 "cycle $cycle: everything to arrive by itself, $sum in all" arrived
done
noticed=$(grep -chE 'taking_paused|group_abandoned|ballast|outbox_full|store_full|disk_' east.log aggregator.log | awk '{ n += $1 } END { print n }')
[ "$noticed" -gt 0 ] || fail "the disk never was full"
[ "$ended" -le "$CYCLES" ] || fail "the programs ended $ended times in $CYCLES cycles"
say "$CYCLES times full and free, $noticed times said, $ended ends that a supervisor had to mend, every figure there once"
# Controls: a file that vanishes from the inbox is missed, one that comes under two names with a row more is one too many.
total || fail "the sum to begin with"
echo "homes,a2,2098-01,5" | cat one.csv - >disk/inbox/.more && mv disk/inbox/.more disk/inbox/more.csv
sum=$((sum + 4)) # what vanishes is 4, what comes is 5
is_taken() { [ ! -e disk/inbox/more.csv ]; }
wait_for 20 "the control's file to be taken" is_taken
for look in 1 2 3 4 5 6; do
    total && fail "control: a row too many and a file too few are not noticed"
    sleep 0.3
done
sum=$((sum + 1))
wait_for 20 "the control's own row" total
say "control: a figure that is not the one is noticed"
kill $background_pids; wait $background_pids 2>/dev/null; background_pids=''
stop_aggregator
"$BIN/suanpan" --store sqlite:disk/suanpan.db --lang en --format csv verify --full >last.out || fail "verify: $(cat last.out)"
counts faults=$CYCLES records=$((CYCLES * 13)) lost=0 doubled=0 seed=$SUANPAN_SEED
