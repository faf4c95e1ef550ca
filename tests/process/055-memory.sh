#!/usr/bin/env bash
# memory_mib holds: two million figures go through an aggregator that may keep 16 MiB of pages, the office asks all over
# them, and the process stays below a fixed bound. CELLS=n feeds another number.
. "$(dirname "$0")/common.sh"
release_only || skip "memory is not measured with a sanitizer's"
CELLS=${CELLS:-2000000}
city all
units=5000 months=$((CELLS / 5000 / 4)) # four elements
{ echo code,parent,level,name_zh
  echo C,,city,小城
  for d in $(seq 10); do
      echo "d$d,C,district,区$d"
      for n in $(seq $((units / 10))); do echo "t${d}x$n,d$d,town,镇${d}x$n"; done
  done; } >catalogue/units.csv
sed -i 's/A,/C,/' catalogue/goals.csv
{ echo element,form,name_zh,kind,unit_zh,decimals
  echo homes,mon,户数,flow,户,0
  echo fee,mon,费用,flow,元,2
  echo beds,mon,床位,stock,张,0
  echo spent,mon,累计,ytd,元,2; } >catalogue/elements.csv
echo 'memory_mib: 16' >>aggregator.yaml
"$BIN/suanpan-aggregator" --config aggregator.yaml --check --lang en 2>check.log || fail "configuration: $(cat check.log)"
start_aggregator
peak() { awk '/VmHWM/ { print $2 }' "/proc/$aggregator_pid/status"; }
now() { awk '/VmRSS/ { print $2 }' "/proc/$aggregator_pid/status"; }
at_rest=$(peak)
"$BIN/suanpan-collector" --config all.yaml --lang en >collector.log 2>&1 & background_pids=$!
for m in $(seq 0 $((months - 1))); do
    awk -v units=$units -v period="$((2015 + m / 12))-$(printf '%02d' $((m % 12 + 1)))" -v m="$m" 'BEGIN {
        print "单位,报告期,homes,fee,beds,spent"
        for (d = 1; d <= 10; d++) for (n = 1; n <= units / 10; n++)
            printf "t%dx%d,%s,%d,%d.%02d,%d,%d.00\n", d, n, period, (n * 7919 + m * 104729) % 1000, n % 500, m % 100, n % 50, m % 12 * 10 + 10 }' |
        put all "$m.csv"
    [ $((m % 10)) -ne 9 ] || { wait_for 120 "file $m to be taken" test -e "inbox/all/done/$m.csv"; ask query homes --period "$((2015 + m / 12))"; }
done
last=$((months - 1))
last_month="$((2015 + last / 12))-$(printf '%02d' $((last % 12 + 1)))"
arrived() { ask query homes --period "$last_month" && grep -q ",5000,5000,complete" last.out; }
wait_for 240 "all figures to arrive" arrived
after_feed=$(peak)
for m in $(seq 0 $last); do
    period="$((2015 + m / 12))-$(printf '%02d' $((m % 12 + 1)))"
    ask query homes,fee,beds,spent --level district --period "$period"
    expect_status 0 "query $period"
done
ask query homes,fee,beds,spent --period 2015..$((2015 + last / 12)) --by month
expect_status 0 "all months"
[ "$(grep -c complete last.out)" = $((4 * months)) ] || fail "not everything is complete: $(grep -vc complete last.out)"
# 16 MiB of pages, half as many for the office's own, and 40 MiB for SQLite's caches, a group of batches and answers.
bound=$((at_rest + (16 + 8 + 40) * 1024))
say "$((months * units * 4)) figures: at rest $at_rest KiB, after feeding $after_feed KiB, after asking $(peak) KiB (now $(now)); bound $bound KiB"
[ "$(peak)" -lt $bound ] || fail "more memory than the bound"
kill_aggregator
start_aggregator
expect_in aggregator.log ' ready ' "started again"
ask query homes,fee --period 2015..$((2015 + last / 12))
expect_status 0 "asked again"
say "after a restart $(peak) KiB"
[ "$(peak)" -lt $bound ] || fail "more memory than the bound after a restart"
