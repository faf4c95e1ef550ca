#!/usr/bin/env bash
# Every collector is a witness of the ledger: an older store put back, a doctored one and a second ledger under the same key are
# noticed, said, kept and shown as alerts; a restart, growth and delivery go on in peace.
. "$(dirname "$0")/common.sh"
city east west
records=0
month() { # agent unit month value
    printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3.csv"
    collect "$1"
    expect_status 0 "$1 $3"
    records=$((records + 1))
}
checkpoint() { # agent : what it keeps, in kept.txt; sets status
    "$BIN/suanpan-collector" --config "$1.yaml" --checkpoint --lang en >kept.txt 2>last.err
    status=$?
}
quiet() { ! grep -qE 'ledger|restored' last.err || fail "$1: an alarm without a reason"; say "$1: no alarm"; }

start_aggregator
month east a1 01 1
month west b1 01 2
month east a1 02 4
quiet "growth"
checkpoint east
expect_status 0 "a checkpoint is kept"
[ "$(sed -n 2p kept.txt)" = 3 ] || fail "the kept checkpoint is not of the newest entry"
cp kept.txt east-3.txt
"$BIN/suanpan" -c aggregator.yaml verify --checkpoint east-3.txt >/dev/null || fail "the kept checkpoint does not lie on the ledger"
say "an auditor finds it on the ledger"
stop_aggregator
cp -r data data.3
start_aggregator
month west b1 02 8
month east a1 03 16
quiet "a restart"
kill_aggregator
cp -r data data.5
start_aggregator
month east a1 04 32
quiet "a kill"
stop_aggregator
cp -r data data.6

say "an older store is put back, without a word"
rm -rf data && cp -r data.3 data
start_aggregator
month east a1 05 64
expect_in last.err 'became shorter: entry 6' "--once says it"
expect_in last.err 'ledger_contradicted' "the log says it"
expect_in aggregator.log 'ledger_witnessed agent=east number=6' "the aggregator's log says it"
shows() { ask alerts && grep -q "$1" last.out; }
wait_for 10 "the alert" shows '^ledger_contradicted.east,ledger_contradicted,open,critical,east,C,.*reason=ledger_shortened'
ask alerts ack ledger_contradicted.east --by 王某 --note 已查
expect_status 0 "it can be acknowledged"
wait_for 10 "the acknowledged alert" shows '^ledger_contradicted.east,.*note=已查,王某'
checkpoint east
expect_status 1 "an alarm that stands shows in the exit code"
grep -c '^suanpan-ledger/' kept.txt >/dev/null && [ "$(sed -n 2p kept.txt)" = 6 ] || fail "the checkpoint of entry 6 is not kept"
ask query homes --unit A --period 2020
grep -q ',117,' last.out || { cat last.out && fail "what the older store lacked was not sent again"; }
say "delivery goes on all the same: the store got back what it lacked"
month west b1 04 3
expect_in last.err 'was rewritten: its entry 4' "the other collector finds it too"
month east a1 06 3
expect_in last.err 'was rewritten: its entry 6' "grown again, entry 6 is another one: still an alarm"
"$BIN/suanpan" -c aggregator.yaml verify --checkpoint kept.txt >last.out 2>&1 && fail "verify does not see that entry 6 is another one"
say "an auditor proves it with what the collector printed"
"$BIN/suanpan-collector" --config east.yaml --trust-ledger --lang en 2>last.err || fail "--trust-ledger"
month east a1 09 3
quiet "after --trust-ledger"
resolved() { ask alerts --all && grep -q '^ledger_contradicted.east,ledger_contradicted,resolved' last.out; }
wait_for 10 "the alert to be resolved" resolved
stop_aggregator

say "a doctored ledger: one record altered, its whole chain written anew by who has store and key"
rm -rf data outbox && cp -r data.6 data
start_aggregator
month west b1 05 1
stop_aggregator
"$BIN/rewrite_ledger" data/suanpan.db 5 || fail "rewrite_ledger"
start_aggregator # its saved pages are made anew
stop_aggregator
"$BIN/suanpan" --store sqlite:data/suanpan.db verify --full >last.out 2>&1 || { cat last.out && fail "the doctored store contradicts itself; it should not"; }
say "nothing in the store shows it"
start_aggregator
month west b1 06 1
expect_in last.err 'was rewritten: its entry 7' "the witness sees another entry 7; delivery goes on"
stop_aggregator

say "two ledgers under one key (split view)"
rm -rf data outbox && cp -r data.5 data
start_aggregator
month east a1 07 1
month east a1 08 2
stop_aggregator
mv data data.one && cp -r data.5 data
start_aggregator
month west b1 07 5
quiet "west knows only the second ledger"
month west b1 08 6
stop_aggregator
mv data data.two && mv data.one data
start_aggregator
month west b1 09 1
expect_in last.err 'was rewritten: its entry 7' "west, shown the first ledger, sees the split"
stop_aggregator
rm -rf data && mv data.two data
start_aggregator
month east a1 09 1
expect_in last.err 'was rewritten: its entry 7' "east, shown the second, sees it too"
stop_aggregator

say "another store altogether, with the same key"
rm -rf data
start_aggregator
month east a1 10 1
expect_in last.err 'restored from an older backup|was rewritten' "a new generation is said to be one"
expect_in last.err 'ledger_(restored|contradicted)' "and logged"
stop_aggregator
counts faults=5 records=$records lost=0 doubled=0 seed=0
