#!/usr/bin/env bash
# The aggregator's disk is full: nothing is acknowledged that is not kept, it goes on running, and when there is room again
# everything arrives without anybody doing anything.
. "$(dirname "$0")/common.sh"
mkdir small
mount -t tmpfs -o size=1m none small 2>/dev/null || { echo "cannot mount a small disk here" && exit 77; }
undo_mount() { cd /; umount "$PLACE/small" 2>/dev/null; }
trap 'code=$?; kill -9 $aggregator_pid $background_pids 2>/dev/null; wait 2>/dev/null; undo_mount; (exit $code); finish' EXIT
city east
sed -i 's#sqlite:data/#sqlite:small/#' aggregator.yaml
start_aggregator
put east first.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
CSV
collect east
expect_status 0 "there is still room"
head -c 4m /dev/zero >small/ballast 2>/dev/null
{ echo element,unit,period,value
  for year in $(seq 1950 2019); do for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
      echo "homes,a1,$year-$month,$RANDOM" && echo "homes,a2,$year-$month,1"
  done; done
  echo homes,a2,2020-01,30; } | put east second.csv
collect east --timeout 4
expect_status 4 "undelivered"
expect_in last.err 'busy|disk|cannot store' "the reason says that the aggregator cannot store"
kill -0 $aggregator_pid || fail "the aggregator ended"
say "the aggregator goes on"
ask query homes --unit A --period 2020-01
expect "what was acknowledged is there, nothing else" <<CSV
$HEADER
homes,A,东区,2020-01,12,,,1,2,partial
CSV
rm small/ballast
collect east --timeout 20
expect_status 0 "with room again everything is delivered"
ask query homes --unit A --period 2020-01
expect "and counts" <<CSV
$HEADER
homes,A,东区,2020-01,42,,,2,2,complete
CSV
