#!/usr/bin/env bash
# What was delivered is kept until a verified backup holds it and it is old enough; an outbox at its quota first lets go what
# was delivered (and says what no backup holds), never what was not: files stay in the inbox until there is room again.
. "$(dirname "$0")/common.sh"
city east
printf 'keep_days: 0\nquota_mib: 1\nballast_mib: 0\n' >>east.yaml
held() { sqlite3 outbox/east/outbox.db 'SELECT count(*) FROM batch'; }
pending() { sqlite3 outbox/east/outbox.db 'SELECT count(*) FROM batch, meta WHERE seq > acked'; }
file() { # number: the same cells with other figures, some 30 KB of batches
    { echo element,unit,period,value
      awk -v seed="$1" 'BEGIN { srand(seed); for (y = 1900; y < 2100; y++) for (m = 1; m <= 12; m++) for (u = 1; u <= 2; u++)
          printf "homes,a%d,%d-%02d,%d\n", u, y, m, int(rand() * 900000000) }'; } >one.csv
    sum=$(awk -F, '{ s += $4 } END { printf "%.0f", s }' one.csv)
    put east "$(printf %03d "$1").csv" <one.csv
}

start_aggregator
file 1
collect east
expect_status 0 "a file is delivered"
[ "$(held)" -gt 0 ] || fail "it should be kept: no backup holds it"
say "it is kept while no backup holds it"
ask backup first
expect_status 0 "a backup"
oldest() { sqlite3 outbox/east/outbox.db 'SELECT min(seq) FROM batch'; }
first=$(sqlite3 outbox/east/outbox.db 'SELECT acked FROM meta')
file 2
collect east
expect_status 0 "with its next delivery the collector hears of it"
[ "$(oldest)" -eq $((first + 1)) ] || fail "batches from $(oldest) on are kept, a backup holds those up to $first"
say "with a backup it goes"
sed -i 's/keep_days: 0/keep_days: 1/' east.yaml
ask backup second
file 3
collect east
expect_status 0 "again with keep_days: 1"
[ "$(oldest)" -eq $((first + 1)) ] || fail "batches from $((first + 1)) on should be kept for a day"
say "but not before its time"
stop_aggregator

say "the aggregator is away and files keep coming"
"$BIN/suanpan-collector" --config east.yaml --lang en >east.out 2>east.log & background_pids=$!
number=3
until grep -q 'taking_paused.*1 MiB' east.log; do
    number=$((number + 1))
    [ $number -lt 200 ] || fail "the quota is never reached"
    file $number
    sleep 0.1
done
more=$((number + 5))
while [ $number -lt $more ]; do number=$((number + 1)) && file $number; done
sleep 3
[ "$(find inbox/east -maxdepth 1 -name '*.csv' | wc -l)" -ge 5 ] || fail "files should stay in the inbox"
before=$(pending)
[ "$before" -gt 10 ] || fail "only $before batches wait"
say "at its quota the outbox stops taking after $before batches, the rest stays in the inbox"
start_aggregator
right() { ask query homes --unit A --period 1900..2099 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$sum" ]; }
wait_for 60 "everything to be delivered by itself" right
say "with the aggregator back everything goes through by itself"
expect_in east.log 'warn gap_risk .*run suanpan backup' "and what no backup holds is said before it goes"
kill $background_pids; wait $background_pids 2>/dev/null; background_pids=''
ask status
expect_in last.out '^east,' "east is known"
batches=$(sqlite3 data/suanpan.db 'SELECT count(*) FROM ledger') wanted=$(sqlite3 outbox/east/outbox.db 'SELECT high FROM meta')
[ "$batches" -eq "$wanted" ] || fail "$wanted batches were cut, $batches arrived"

# Control: an outbox that lets go what was not delivered is noticed.
collect east
stop_aggregator
file $((number + 1))
collect east --timeout 1
expect_status 4 "the aggregator is away"
sqlite3 outbox/east/outbox.db 'DELETE FROM batch WHERE seq > (SELECT acked FROM meta); UPDATE meta SET acked = high' || fail "sqlite3"
start_aggregator
collect east
expect_status 0 "it believes that all is delivered"
right && fail "control: what an outbox dropped is not missed"
say "control: an outbox that drops what was not delivered is noticed"
counts faults=1 records=$((number * 4800)) lost=0 doubled=0 seed=0
