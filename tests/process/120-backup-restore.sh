#!/usr/bin/env bash
# A backup is made while the aggregator runs, proved before it has its name, and tells the districts what they need not hold
# any longer. The store is destroyed, restored from it, and becomes whole again by itself.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
month() { printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3.csv"; collect "$1"; expect_status 0 "$1 $3"; }
month east a1 01 1
month west b1 01 2

mkdir -p backups
ask backup backups/january
expect_status 0 "a backup while the aggregator runs"
expect_in last.out '^backups/january,2,.*,[0-9]+,yes,yes$' "of both entries, signed and noted"
for file in suanpan.db agents.csv catalogue/units.csv keys/east.pub keys/west.pub files.txt backup.txt; do
    [ -s "backups/january/$file" ] || fail "no $file in the backup"
done
[ "$(find backups -name '*.key' -o -name '*.partial' -o -name '*-wal' -o -name '*.lock' | wc -l)" -eq 0 ] ||
    fail "keys or leftovers in the backup"
expect_in aggregator.log 'backup_noted entry=2' "the aggregator took note of it"
mkdir -p backups
ask backup backups/january
expect_status 2 "a backup never overwrites"
"$BIN/suanpan" --store sqlite:backups/january/suanpan.db --format csv query homes --period 2020 >last.out 2>last.err
expect "the backup answers by itself" <<CSV
$HEADER
homes,C,小城,2020,3,,,2,36,partial
CSV

say "more data; then the store is lost"
month east a1 02 10
month east a1 03 100
month west b1 02 20
ask restore backups/january
expect_status 4 "nothing is restored under a running aggregator"
kill_aggregator
ask restore backups/january
expect_status 2 "nor over a store that is there"
expect_in last.err '--force' "and says how"
ask restore backups/january --force
expect_status 0 "with --force it is"
aside=$(tail -n 1 last.out | cut -d, -f5)
[ -s "$aside" ] || fail "the former store is not kept: $aside"
say "the former store is kept"
ask query homes --period 2020
expect "the restored store knows January" <<CSV
$HEADER
homes,C,小城,2020,3,,,2,36,partial
CSV
start_aggregator
for agent in east west; do collect $agent; expect_status 0 "$agent"; done
"$BIN/suanpan-collector" --config east.yaml --lang en >east.log 2>&1 & background_pids=$!
"$BIN/suanpan-collector" --config west.yaml --lang en >west.log 2>&1 & background_pids="$background_pids $!"
whole() { ask query homes --period 2020 && grep -q ',133,,,5,36,' last.out; }
wait_for 20 "both districts to bring again what was lost" whole
say "the districts bring again what was lost"
expect_in aggregator.log 'store_behind_agent agent=east' "the log says so of east"
expect_in aggregator.log 'store_behind_agent agent=west' "and of west"
kill $background_pids; wait $background_pids 2>/dev/null; background_pids=''
ask verify --full
expect_status 0 "the ledger is sound to the last figure"

say "a backup that was altered is refused, and nothing is touched"
stop_aggregator
before=$(b2sum <data/suanpan.db)
refused() { # what
    ask restore bad --force
    expect_status 1 "$1"
    [ "$(b2sum <data/suanpan.db)" = "$before" ] || fail "$1: the store was touched"
    [ -z "$(find data -name '*restoring*')" ] || fail "$1: something was left"
    say "$1"
    rm -rf bad
}
cp -r backups/january bad
printf 'X' | dd of=bad/suanpan.db bs=1 seek=$(($(stat -c %s bad/suanpan.db) / 2)) conv=notrunc status=none
refused "a byte of the store"
cp -r backups/january bad
sqlite3 bad/suanpan.db "DELETE FROM ledger WHERE entry = 2; DELETE FROM stream WHERE outbox = 2" || fail "sqlite3"
sed -i "s#^[0-9a-f]* [0-9]* suanpan.db#$(b2sum -l 256 <bad/suanpan.db | cut -d' ' -f1) $(stat -c %s bad/suanpan.db) suanpan.db#" bad/files.txt
refused "an entry cut off and the list made to fit"
cp -r backups/january bad && sed -i 's/^2$/1/' bad/backup.txt
refused "the statement"
cp -r backups/january bad && sed -i '/^$/,$d' bad/backup.txt
refused "the signature taken off"
cp -r backups/january bad && rm bad/keys/east.pub
refused "a file missing"
"$BIN/suanpan" keygen keys other >/dev/null
sed 's/aggregator.key/other.key/' aggregator.yaml >other.yaml
"$BIN/suanpan" -c other.yaml --lang en restore backups/january --force >last.out 2>last.err
status=$?
expect_status 1 "another aggregator's key"
expect_in last.err 'not signed with this' "and says so"

say "a store that is gone altogether, and one nobody signed for"
rm -rf data
ask restore backups/january
expect_status 0 "restored where nothing is"
"$BIN/suanpan" --store sqlite:data/suanpan.db --lang en --format csv backup unsigned >last.out 2>last.err || fail "backup of a store by its URL"
expect_in last.out ',no,no$' "neither signed nor noted"
ask restore unsigned --force
expect_status 1 "not taken without a word"
expect_in last.err '--unsigned' "which it names"
ask restore unsigned --force --unsigned
expect_status 0 "with it, it is"
start_aggregator
for agent in east west; do month $agent "$([ $agent = east ] && echo a1 || echo b1)" 04 1000; done
ask query homes --period 2020
expect_in last.out ",2133,,,7,36," "and everything is there again"
