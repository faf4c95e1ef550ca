#!/usr/bin/env bash
# The clocks of both programs jump by an hour, by ten years, beyond 2038, across a change to summer time, forward and back; the
# steady clock does not. Every file arrives once and soon, figures stay in their periods, and skew shows in `status`.
. "$(dirname "$0")/common.sh"
needs_preload
faked=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -n 1)
[ -n "$faked" ] || { echo "no libfaketime here" && exit 77; }
seed=${SUANPAN_SEED:-$RANDOM}
RANDOM=$seed
jumps=$(tier 10 40)
city east
sed -i 's#^    inbox: .*#&\n    settle_seconds: 0#' east.yaml
set_clock() { echo "$2" >$1.new && mv $1.new $1.clock; } # program, offset as libfaketime writes it
as() { # program : environment of its clock
    echo "LD_PRELOAD=$ahead$faked FAKETIME_TIMESTAMP_FILE=$PLACE/$1.clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1"
}
set_clock aggregator +0
set_clock east +0
env $(as aggregator) "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >aggregator.out 2>aggregator.log &
aggregator_pid=$!
wait_for 30 "the aggregator to be ready" grep -q ' ready ' aggregator.log
env $(as east) "$BIN/suanpan-collector" --config east.yaml --lang en >>east.log 2>&1 &
service=$!
background_pids=$service
sent=0 slowest=0
arrived() { [ "$(sqlite3 -readonly data/suanpan.db 'SELECT count(*) FROM ledger' 2>/dev/null)" = $sent ]; }
send() {
    printf 'element,unit,period,value\nhomes,a1,%04d-%02d,1\n' $((2000 + sent / 12)) $((1 + sent % 12)) | put east f$sent.csv
    sent=$((sent + 1))
}
deliver() { # after what
    local started=$SECONDS
    send
    # Two greetings' patience (2 s, 4 s) ten times over.
    wait_for 60 "file $sent after $1 (seed $seed)" arrived
    [ $((SECONDS - started)) -le $slowest ] || slowest=$((SECONDS - started))
}
deliver "the start"
moment() { echo "@$(date -d "$1" '+%Y-%m-%d %H:%M:%S')"; }
for ((jump = 0; jump < jumps; jump++)); do
    case $((jump % 10)) in
    0) to=+3600 ;; 1) to=-3600 ;; 2) to=+10y ;; 3) to=-10y ;; 4) to=$(moment '2038-01-19 03:14:05 UTC') ;;
    5) to=$(moment '2021-03-28 00:59:58 UTC') ;; 6) to=$(moment '2021-10-31 00:59:58 UTC') ;; 7) to=$(moment '1971-01-01 UTC') ;;
    8) to=$(moment '2099-12-31 23:59:58 UTC') ;; 9) to=+0 ;;
    esac
    case $((RANDOM % 3)) in 0) whose=aggregator ;; 1) whose=east ;; 2) whose='aggregator east' ;; esac
    for one in $whose; do set_clock $one "$to"; done
    sleep 0.3
    deliver "jump $jump of $whose to $to"
    kill -0 $aggregator_pid $service 2>/dev/null || fail "a program ended after jump $jump of $whose to $to"
done
say "$jumps jumps: $sent files, each there once, the slowest after $slowest s"
# A skew that lasts is seen: the collector's clock two hours ahead.
set_clock aggregator +0
kill -TERM $service && wait $service
deliver_once() {
    send
    env $(as east) "$BIN/suanpan-collector" --config east.yaml --once --lang en >>east.log 2>&1 || fail "a clock at $1 keeps a file"
}
background_pids=''
set_clock east +7200
told=$(grep -c clock_skew aggregator.log)
deliver_once +7200
skew_told() { [ "$(grep -c clock_skew aggregator.log)" -gt "$told" ]; }
wait_for 10 "the skew to be told" skew_told
ask status
expect_in last.out '^east,' "status names the agent"
# More than a day is an alert, until the clocks agree again.
off_by() { # offset, how the alert says it; empty: none
    set_clock east "$1"
    deliver_once "$1"
    alert_stands() {
        ask alerts
        if [ -n "$2" ]; then grep -qE "^clock_off\.east,clock_off,open,warning,east,A,.*agent_minus_aggregator=$2d" last.out; else ! grep -q '^clock_off' last.out; fi
    }
    wait_for 10 "the alert (or its end) for clocks $1 apart" alert_stands "$@"
}
off_by +7200 ''
off_by +60h 2
off_by -84h -3
off_by +23h ''
off_by +9612h 400
off_by +0 ''
say "an alert stands while the clocks are more than a day apart, and no longer"
# Control: a collector whose steady clock jumps too stops delivering, and that is missed.
set_clock east +0
env LD_PRELOAD="$ahead$faked" FAKETIME_TIMESTAMP_FILE="$PLACE/east.clock" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=0 \
    "$BIN/suanpan-collector" --config east.yaml --lang en >>east.log 2>&1 &
background_pids=$!
send
wait_for 60 "a file before its clock is turned back" arrived
set_clock east -10y
sleep 0.5
send
sleep 3
arrived && fail "control: a collector that stands still for ten years is not noticed"
say "control: a steady clock that jumps is missed"
kill -9 $background_pids && wait $background_pids 2>/dev/null
background_pids=''
set_clock east +0
deliver_once +0
arrived || fail "the file of the control is not there after its collector was started anew"
kill -TERM $aggregator_pid && wait $aggregator_pid
status=$?
aggregator_pid=''
expect_status 0 "the aggregator stops in good order"
ask query homes --period 2000..2099 --by year
counted=$(tail -n +2 last.out | awk -F, '{ sum += $5 } END { print sum + 0 }')
[ "$counted" = $sent ] || fail "$sent figures in their years, the answer counts $counted"
ask query homes --period 2000-01..$((2000 + (sent - 1) / 12))-$(printf %02d $((1 + (sent - 1) % 12)))
[ "$(tail -n 1 last.out | cut -d, -f5)" = $sent ] || fail "figures are in other periods than they were reported for"
say "every figure counts in the period it was reported for"
counts faults=$jumps records=$sent lost=0 doubled=0 seed=$seed
