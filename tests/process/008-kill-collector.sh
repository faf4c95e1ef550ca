#!/usr/bin/env bash
# kill -9 of the collector at any moment of --once: run again, every row is there once and every file is where it belongs.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
for round in $(seq 1 12); do
    month=$(printf %02d "$round")
    { echo element,unit,period,value
      echo "homes,a1,2020-$month,$round"
      echo "homes,a2,2020-$month,1000"
      echo "homes,a1,2020-$month-01,5"; } | put east "$month.csv"
    "$BIN/suanpan-collector" --config east.yaml --once --lang en >killed.out 2>killed.err &
    collector=$!
    background_pids=$collector
    sleep 0.0$((RANDOM % 10))
    kill -9 $collector 2>/dev/null
    wait $collector 2>/dev/null
    background_pids=''
    [ $((round % 3)) -eq 0 ] && { collect east; [ $status -eq 0 ] || [ $status -eq 3 ] || fail "after a kill: exit $status"; }
done
collect east
[ $status -eq 0 ] || [ $status -eq 3 ] || fail "at last: exit $status"
ls inbox/east | grep -vE '^(done|refused|.*\.refused\.csv)$' && fail "files were left in the inbox"
ask query homes --unit A --period 2020
expect "each row counts once" <<CSV
$HEADER
homes,A,东区,2020,12078,,,24,24,complete
CSV
for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
    [ -f inbox/east/done/$month.csv ] || fail "$month.csv is not in done/"
    [ "$(grep -c "homes,a1,2020-$month-01,5,4,wrong_frequency" inbox/east/$month.csv.refused.csv)" -eq 1 ] ||
        fail "the refused row of $month is not written exactly once"
done
say "every file is in done/, every refused row is written once"
