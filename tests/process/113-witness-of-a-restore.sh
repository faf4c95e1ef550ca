#!/usr/bin/env bash
# Collectors that witnessed the ledger, and an aggregator that went through `suanpan restore`: a warning where it was restored,
# which says whether anything is missing; what is missing comes again, or stands among the incidents; a restored ledger that
# was altered is contradicted all the same. Who witnessed nothing is told nothing.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
city east west
records=0
month() { # agent unit month value
    printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3.csv"
    collect "$1"
    records=$((records + 1))
}
restore() { # backup
    stop_aggregator
    ask restore "$1" --force
    expect_status 0 "restore"
    start_aggregator
}
checkpoint() { # agent : what it keeps, in kept.txt; sets status
    "$BIN/suanpan-collector" --config "$1.yaml" --checkpoint --lang en >kept.txt 2>kept.err
    status=$?
}
shows() { ask alerts --all && grep -qE "$1" last.out; }
total() { ask query homes --period 2020 && cut -d, -f5 last.out | tail -n 1; }

start_aggregator
month east a1 01 1; expect_status 0 "January of east"
month west b1 01 2; expect_status 0 "January of west"
month east a1 02 4; expect_status 0 "February of east"
ask backup newest
expect_status 0 "a backup of all that east has seen"
checkpoint east
[ "$(sed -n 2p kept.txt)" = 3 ] || fail "east keeps a checkpoint of entry $(sed -n 2p kept.txt)"
cp kept.txt before.txt

say "restored, and nothing witnessed is missing"
restore newest
month east a1 03 8; expect_status 0 "March of east"
expect_in last.err 'warn ledger_restored code=ledger_restored .*entry 3.*nothing of it is missing' "east is warned, and told that nothing is missing"
! grep -q ledger_contradicted last.err aggregator.log || fail "a contradiction where there is none"
wait_for 10 "the alert" shows '^ledger_restored.east,ledger_restored,[a-z]+,warning,east'
say "the bureau has a warning of it"
checkpoint east
[ "$(grep -c '^suanpan-ledger/' kept.txt)" = 2 ] && [ "$(head -n 7 kept.txt)" = "$(head -n 7 before.txt)" ] || fail "east should keep the former one and the new"
"$BIN/suanpan" -c aggregator.yaml verify --checkpoint before.txt >last.out || { cat last.out && fail "the former checkpoint"; }
say "an auditor finds the checkpoint from before the restore on the ledger"
month east a1 04 16; expect_status 0 "April of east"
! grep -q ledger_ last.err || fail "warned twice: $(grep ledger_ last.err)"
say "east is warned once"

say "restored to a backup from before what was witnessed"
month west b1 02 32; expect_status 0 "February of west"
wanted=$(total)
restore newest
[ "$(total)" = 7 ] || fail "the backup holds $(total)"
month east a1 05 64; expect_status 0 "May of east"
expect_in last.err 'warn ledger_restored code=ledger_restored_older ' "east is told that the ledger ends before what it saw"
collect west --timeout 10
month west b1 03 128; expect_status 0 "March of west"
expect_in last.err 'code=ledger_restored_older ' "west, too"
[ "$(total)" = $((wanted + 64 + 128)) ] || fail "what was missing did not come again: $(total) of $((wanted + 64 + 128))"
say "what was missing came again"
ask incidents
[ "$(wc -l <last.out)" = 1 ] || { cat last.out && fail "an incident where nothing is missing"; }
say "so there is no incident"

say "the same, but west no longer holds what the backup lacks"
seen=$(sqlite3 outbox/west/outbox.db 'SELECT max(seq) FROM batch')
restore newest
sqlite3 outbox/west/outbox.db 'DELETE FROM batch' || fail "sqlite3"
month east a1 06 256; expect_status 0 "June of east"
month west b1 04 512; expect_status 3 "April of west"
expect_in last.err 'code=ledger_restored_older ' "west is told of the restore"
expect_in last.err 'file_lost .*02.csv' "and names the files it no longer holds"
ask incidents
expect_in last.out "^batches_missing,west,[0-9a-f]{32},2,$seen,[0-9]+,20" "the bureau's incidents name the batches"
wait_for 10 "the alert" shows '^batches_missing.west,batches_missing,open,critical'
mv inbox/west/done/02.csv inbox/west/done/03.csv inbox/west/
collect west
expect_status 0 "they are put in again"
[ "$(total)" = $((wanted + 64 + 128 + 256 + 512)) ] || fail "$(total) after they were put in again"
say "put in again, everything is there"

say "restored and altered: a contradiction, restore or not"
ask backup later
expect_status 0 "a backup of all that was seen"
stop_aggregator
ask restore later --force
expect_status 0 "restore"
"$BIN/rewrite_ledger" data/suanpan.db 2 || fail "rewrite_ledger"
start_aggregator
month east a1 07 1024
expect_in last.err 'error ledger_contradicted' "east says so"
wait_for 10 "the alert" shows '^ledger_contradicted.east,ledger_contradicted,open,critical'
say "and the bureau has it as critical"

say "a collector that witnessed nothing"
rm -rf outbox/west
month west b1 05 2048
! grep -qE 'ledger_(restored|contradicted)' last.err || fail "it is told of what it never saw"
counts faults=5 records=$records lost=0 doubled=0 seed=0
