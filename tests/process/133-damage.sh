#!/usr/bin/env bash
# Whole files are spoilt at random: bits, sectors and pages of the store, of the outbox and of their logs, files cut off,
# emptied or swapped for older copies, logs deleted. Nothing crashes; a figure is right, or one of an earlier commit where the
# log was hurt, or it is said that there is none; an outbox opens by itself, holds nothing that never was and says what is
# missing. Controls: a foreign store, an outbox that forgot, an aggregator that is killed. Then an emptied outbox, to its end.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
SCRATCH=$(mktemp -d /dev/shm/suanpan.XXXXXX) || exit 77
trap 'code=$?; rm -rf "$SCRATCH"; (exit $code); finish' EXIT
: "${SUANPAN_SEED:=$(($(date +%s%N) / 1000 % 1000000000 + 1))}"
export SUANPAN_SEED
say "SUANPAN_SEED=$SUANPAN_SEED"
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:abort_on_error=1" UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:halt_on_error=1:abort_on_error=1"
each=${DAMAGES:-$(tier 250 10000)} answers=0
[ "${SUANPAN_PRESET:-release}" = release ] || each=40
city east west
mkdir answers template older foreign

month() { # agent unit month value
    printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\nfee,%s,2020-%s,%s.50\n' "$2" "$3" "$4" "$2" "$3" "$4" | put "$1" "$3.csv"
    collect "$1"
    expect_status 0 "$1 $3"
    note_answer
}
note_answer() {
    ask query homes,fee --level town --period 1990..2030 --by month
    cp last.out answers/$answers && answers=$((answers + 1))
}

start_aggregator
month east a1 01 1000
stop_aggregator
mv data foreign/ && rm -rf outbox answers/* inbox/east/done && answers=0

say "a store with pages and ledger in its file and more in its log; copies of it"
start_aggregator
for number in 01 02 03 04 05; do
    month east a1 $number $((10#$number * 3))
    month west b1 $number $((10#$number * 5))
done
stop_aggregator
cp -r data outbox older/
start_aggregator
for number in 06 07; do
    month east a1 $number 7
    month west b1 $number 8
done
kill_aggregator
[ -s data/suanpan.db-wal ] || fail "there should be a log"

say "an outbox with batches on their way in its log"
for number in 08 09 10 11; do
    printf 'element,unit,period,value\nhomes,a1,2020-%s,9\n' $number | put east $number.csv
done
"$BIN/suanpan-collector" --config east.yaml --lang en 2>east.log & background_pids=$!
taken() { [ "$(grep -c ' file_taken ' east.log)" = 4 ]; }
wait_for 20 "four files to be taken" taken
kill -9 $background_pids && wait $background_pids 2>/dev/null
background_pids=''
[ -s outbox/east/outbox.db-wal ] || fail "there should be a log of the outbox"
cp -r data outbox template/

# In memory, for each of a thousand starts would wait for the disk.
spoil() { # arguments of damage
    rm -rf "$SCRATCH/city" && mkdir "$SCRATCH/city"
    cp -r catalogue keys agents.csv aggregator.yaml answers template older foreign "$SCRATCH/city/"
    (cd "$SCRATCH/city" && "$BIN/damage" "$@") >damage.out 2>damage.err || fail "damage $1: $(cat damage.err)"
    say "$1: $(grep '^mutations' damage.out)"
}
spoil store "$BIN" "$each" answers
grep -q 'wrong=0$' damage.out || { cat damage.err && fail "a store"; }
grep -Eq 'harmless=[1-9].* said=[1-9].* earlier=[1-9]' damage.out || fail "too little was hurt"
spoil outbox keys/east.key "$each" east
grep -q 'wrong=0$' damage.out || { cat damage.err && fail "an outbox"; }
grep -Eq 'harmless=[1-9].* said=[1-9].* earlier=[1-9]' damage.out || fail "too little was hurt"


say "what chance found once: a key spoilt in the index of the pages alone"
rm -rf data && cp -r older/data .
page=$(sqlite3 data/suanpan.db "SELECT pageno FROM dbstat WHERE name = 'sqlite_autoindex_block_1' LIMIT 1")
at=$(dd if=data/suanpan.db bs=4096 skip=$((page - 1)) count=1 status=none | grep -abo homes | head -n 1 | cut -d: -f1)
[ -n "$at" ] || fail "no key in the index"
printf H | dd of=data/suanpan.db bs=1 seek=$(((page - 1) * 4096 + at)) conv=notrunc status=none
ask query homes,fee --level town --period 1990..2030 --by month
cmp -s last.out answers/9 || fail "from the file: another figure"
start_aggregator
ask query homes,fee --level town --period 1990..2030 --by month
cmp -s last.out answers/9 || fail "from the aggregator: another figure"
ask verify --full
expect_status 0 "the pages were made anew"
stop_aggregator

say "controls: what no program can notice, the harness has to"
is_found() { # what arguments of damage...
    local what=$1
    shift
    spoil "$@"
    grep -q 'wrong=0$' damage.out && fail "control: $what is not noticed"
    say "control: $what is: $(head -n 1 damage.err)"
}
is_found "another ledger under the same key" store "$BIN" 1 answers "rm -f suanpan.db-wal suanpan.db-shm && cp ../foreign/data/suanpan.db ."
is_found "an outbox that forgot what was on its way" outbox keys/east.key 1 east "sqlite3 outbox.db 'UPDATE meta SET acked = high'"
mkdir "$SCRATCH/dying" && printf '#!/bin/sh\nkill -SEGV $$\n' >"$SCRATCH/dying/suanpan" && cp "$SCRATCH/dying/suanpan" "$SCRATCH/dying/suanpan-aggregator"
chmod +x "$SCRATCH"/dying/*
is_found "a program that crashes" store "$SCRATCH/dying" 1 answers

say "an outbox emptied to its last byte, without its log"
rm -rf data outbox inbox/*/done && cp -r template/data template/outbox .
start_aggregator
collect east
expect_status 0 "east delivers what was on its way"
printf 'element,unit,period,value\nhomes,a1,2020-12,100\n' | put east 12.csv
stop_aggregator
collect east --timeout 1
expect_status 4 "December waits in the outbox"
: >outbox/east/outbox.db
rm -f outbox/east/outbox.db-*
"$BIN/suanpan-collector" --config east.yaml --doctor --lang en >last.out
expect_in last.out '^outbox,error,.*emptied or deleted.*back if there is one' "doctor says what happened and what to do"
start_aggregator
collect east
expect_status 0 "the collector goes on by itself"
expect_in last.err 'outbox_rescued code=outbox_gone.*put the files of done/' "and says what is to be done"
homes() { ask query homes --unit A --period 2020 && cut -d, -f5 last.out | tail -n 1; }
without=$(homes)
mv inbox/east/done/*.csv inbox/east/
collect east
expect_status 0 "the files of done/ are put back, all of them"
expect_in aggregator.log 'outbox_replaced.*agent=east|alert=outbox_replaced.east' "the bureau hears of it"
[ "$(homes)" = $((without + 100)) ] || fail "December once, and nothing else twice: $without, then $(homes)"
say "December is there once, and nothing twice"

say "a store emptied beside its log"
kill_aggregator
b2sum data/suanpan.db-wal >sums
: >data/suanpan.db
"$BIN/suanpan-aggregator" --config aggregator.yaml --lang en 2>last.err && fail "a store was made in the place of the one that is gone"
expect_in last.err 'there was a store .*data/suanpan.db.*restore a backup' "the aggregator does not start, and says what to do"
b2sum -c --quiet sums || fail "the log was touched"
rm data/suanpan.db data/suanpan.db-wal
"$BIN/suanpan" -c aggregator.yaml --lang en --format csv doctor >last.out 2>last.err
expect_in last.out '^store,error,.*there was a store' "doctor does not call it one that was never made"
ask query homes
expect_status 4 "a store that is gone"
expect_in last.err 'there was a store .*restore a backup' "a question does not call it one that was never made"
VERIFY=no
counts faults=$((2 * each + 5)) records=$((answers * 2)) lost=0 doubled=0 seed="$SUANPAN_SEED"
