#!/usr/bin/env bash
# A district without a line for thirty days by its clock, taking files every day; when the line is back, all of it arrives once,
# without a stall, and every figure in its period.
. "$(dirname "$0")/common.sh"
needs_preload
faked=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -n 1)
[ -n "$faked" ] || { echo "no libfaketime here" && exit 77; }
days=30 towns=$(tier 10 350) # records a day: 96 a town
city east
for ((town = 3; town <= towns; town++)); do echo "a$town,A,town,东${town}镇" >>catalogue/units.csv; done
sed -i 's#^    inbox: .*#&\n    settle_seconds: 0#' east.yaml
set_day() { echo "@$(date -d "2020-03-01 08:00:00 UTC + $1 days" '+%Y-%m-%d %H:%M:%S')" >east.new && mv east.new east.clock; }
file_of() { # day : four years of its own of both elements for each town, so that no figure replaces another
    awk -v towns=$towns -v year=$((2000 + $1 * 4)) 'BEGIN { print "element,unit,period,value"
        for (t = 1; t <= towns; t++) for (y = year; y < year + 4; y++) for (m = 1; m <= 12; m++)
            printf "homes,a%d,%04d-%02d,1\nfee,a%d,%04d-%02d,1\n", t, y, m, t, y, m }'
}
set_day 0
env LD_PRELOAD="$ahead$faked" FAKETIME_TIMESTAMP_FILE="$PLACE/east.clock" FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
    DONT_FAKE_MONOTONIC=1 "$BIN/suanpan-collector" --config east.yaml --lang en >>east.log 2>&1 &
service=$!
background_pids=$service
taken() { [ "$(find inbox/east/done -name '*.csv' 2>/dev/null | wc -l)" -eq "$1" ]; }
for ((day = 0; day < days; day++)); do
    set_day $day
    file_of $day | put east d$day.csv
    wait_for 60 "the file of day $day to be taken" taken $((day + 1))
done
records=$((days * towns * 96))
held=$(sqlite3 -readonly outbox/east/outbox.db 'SELECT count(*) FROM batch' 2>/dev/null)
say "$days days offline: $days files, $records records, ${held:-?} batches in the outbox"
start_aggregator
count() { sqlite3 -readonly data/suanpan.db 'SELECT count(*) FROM ledger' 2>/dev/null; }
some_arrived() { [ "$(count)" -gt 0 ]; }
wait_for 120 "the first batch after the line is back" some_arrived
comes_in() { # patience in seconds: all of it, with progress within that time
    local last=0 now stalled=$SECONDS
    longest=0
    while now=$(count) && [ "$now" != "$held" ]; do
        if [ "$now" != $last ]; then last=$now stalled=$SECONDS; fi
        [ $((SECONDS - stalled)) -le $longest ] || longest=$((SECONDS - stalled))
        [ $longest -le "$1" ] || return 1
        sleep 0.1
    done
}
started=$(date +%s%3N)
comes_in 60 || fail "it stalls at batch $(count) of $held" # a greeting's patience ten times over
say "the backlog arrived within $(($(date +%s%3N) - started)) ms, never $((longest + 1)) s without progress"
# Controls: an aggregator that stands still is a stall; a batch the outbox lost is missed.
kill -STOP $aggregator_pid
file_of $days | put east d$days.csv
wait_for 60 "the control's file to be taken" taken $((days + 1))
held=$(sqlite3 -readonly outbox/east/outbox.db 'SELECT high FROM meta')
comes_in 2 && fail "control: a stall is not noticed"
kill -KILL $service && wait $service 2>/dev/null
background_pids=''
kill -CONT $aggregator_pid
stop_aggregator
sqlite3 outbox/east/outbox.db 'DELETE FROM batch WHERE seq > (SELECT acked FROM meta); UPDATE meta SET acked = high' || fail "sqlite3"
came=$(count)
start_aggregator
collect east
if [ "$came" != "$held" ]; then # else it was on its way before the aggregator stood still
    comes_in 2 && fail "control: batches that an outbox dropped are not missed"
    say "controls: a stall and a batch that was dropped are noticed"
else
    records=$((records + towns * 96))
fi
stop_aggregator
ask query homes,fee --period 2000..2123
cut -d, -f1,2,5,8 last.out >cut.out && mv cut.out last.out
expect "every figure of the month is there once" <<CSV
code,unit,value,reported
homes,C,$((records / 2)),$((records / 2))
fee,C,$((records / 2)).00,$((records / 2))
CSV
counts faults=1 records=$records lost=0 doubled=0 seed=0
