#!/usr/bin/env bash
# Restores to a backup one step or many steps back, with collectors that keep everything, only what no backup holds, or less
# (a quota that made them let go what no backup held). In the end every file is in the ledger, or it is exactly one of those
# that the collector names as no longer held: delivered again from done/ everything is whole.
. "$(dirname "$0")/common.sh"
rounds=$(tier 10 150)
seed=${SUANPAN_SEED:-$RANDOM}
RANDOM=$seed
echo "SUANPAN_SEED=$seed"
city east
printf 'keep_days: 0\n' >>east.yaml
mkdir backups
number=0 gaps=0 faults=0
entries() { sqlite3 'file:data/suanpan.db?mode=ro' "SELECT count(*) FROM ledger"; }
deliver() { # a file of one figure of its own
    number=$((number + 1))
    printf 'element,unit,period,value\nhomes,a1,%d-%02d,%d\n' $((1900 + number / 12)) $((number % 12 + 1)) $number |
        put east "$(printf %05d $number).csv"
    collect east --timeout 20
    expect_status 0 "file $number"
}
acked() { sqlite3 outbox/east/outbox.db 'SELECT acked FROM meta'; }
# The sum of 1..number: one figure a file.
is_whole() { ask query homes --unit A --period 1900..2199 && [ "$(tail -n 1 last.out | cut -d, -f5)" = $((number * (number + 1) / 2)) ]; }
start_aggregator
deliver
for ((round = 1; round <= rounds; round++)); do
    steps=$((RANDOM % 2 == 0 ? 1 : 2 + RANDOM % 4)) kind=$((RANDOM % 3))
    rm -rf backups/* data/*.before-*
    ask backup backups/old
    expect_status 0 "the backup to go back to"
    covered=$(acked)
    for ((step = 0; step < steps; step++)); do
        deliver
        # Kind 1: newer backups let the collector forget what the old one does not hold.
        [ $kind -eq 1 ] && { ask backup "backups/$step" && expect_status 0 "a newer backup"; }
    done
    [ $kind -eq 1 ] && deliver # with it the collector hears of them
    # Kind 2: it let go what no backup held, as at its quota.
    [ $kind -eq 2 ] && [ $steps -gt 1 ] && sqlite3 outbox/east/outbox.db "DELETE FROM batch WHERE seq <= $((covered + steps - 1))"
    low=$(sqlite3 outbox/east/outbox.db 'SELECT coalesce(min(seq), (SELECT high + 1 FROM meta)) FROM batch')
    stop_aggregator
    ask restore backups/old --force
    expect_status 0 "round $round: restored"
    start_aggregator
    faults=$((faults + 1))
    number=$((number + 1))
    printf 'element,unit,period,value\nhomes,a1,%d-%02d,%d\n' $((1900 + number / 12)) $((number % 12 + 1)) $number |
        put east "$(printf %05d $number).csv"
    collect east --timeout 4
    if [ "$low" -le $((covered + 1)) ]; then
        expect_status 0 "round $round, kind $kind, $steps steps: all is delivered again"
        is_whole || fail "round $round, kind $kind, $steps steps: $(tail -n 1 last.out)"
        continue
    fi
    # What is missing is covered+1 .. low-1, and said so by both.
    gaps=$((gaps + 1))
    is_whole && fail "round $round: batches $((covered + 1)) to $((low - 1)) cannot be there"
    grep -qE "agent=east.* number=$((covered + 1))( |$)|agent=east.*$((covered + 1))" aggregator.log ||
        fail "round $round: the aggregator does not name batch $((covered + 1))"
    say "round $round: $((covered + 1)) to $((low - 1)) are no longer held, and named"
    # The operator delivers done/ again: with a new outbox, as the message asks.
    rm -rf outbox/east
    find inbox/east/done -name '*.csv' -exec mv -t inbox/east {} +
    collect east --timeout 30
    expect_status 0 "round $round: delivered again from done/"
    is_whole || fail "round $round, from done/: $(tail -n 1 last.out)"
done
stop_aggregator
say "$rounds restores, $gaps with batches that were no longer held"

say "control: a collector that forgets in silence what it delivered is found out by the comparison"
start_aggregator
rm -rf backups/*
ask backup backups/old && expect_status 0 "a backup"
deliver && deliver
sqlite3 outbox/east/outbox.db "DELETE FROM batch WHERE seq > $(($(acked) - 2)); UPDATE meta SET high = high - 2,
    chain = (SELECT chain FROM batch ORDER BY seq DESC LIMIT 1), acked = acked - 2" 2>/dev/null
stop_aggregator
ask restore backups/old --force && expect_status 0 "restored"
start_aggregator
collect east --timeout 5
if is_whole; then fail "the control was not caught"; fi
say "it is"
counts faults=$faults records=$number lost=0 doubled=0 seed=$seed
