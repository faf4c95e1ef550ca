#!/usr/bin/env bash
# The ledger itself is damaged on the disk: no wrong figure is served, no backup is made of it, what to do is said, and the
# restored store becomes whole again by itself.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
city east
month() { printf 'element,unit,period,value\nhomes,a1,2020-%s,7\n' "$1" | put east "$1.csv"; collect east; expect_status 0 "month $1"; }
damage() { # file offset bytes: random ones
    head -c "$3" /dev/urandom | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
mend() { # sum
    ask restore good --force
    expect_status 0 "the backup is restored"
    start_aggregator
    month "$1"
    ask query homes --unit A --period 2020
    expect_in last.out ",$2,,,$(($2 / 7))," "the collector brings the rest by itself"
    stop_aggregator
}
is_found() { # [what verify says] : the store as it lies is damaged, and no backup is made of it
    ask verify
    expect_status 1 "verify finds it"
    [ $# -eq 0 ] || expect_in last.out "$1" "and names the entry"
    ask backup bad
    expect_status 1 "no backup is made of it"
    [ -z "$(ls -d bad* 2>/dev/null)" ] || fail "something was left under the backup's name"
}
start_aggregator
for number in 01 02 03 04; do month $number; done
ask backup good
expect_status 0 "a backup while all is well"
month 05
stop_aggregator

say "a page of the ledger is lost"
page=$(sqlite3 data/suanpan.db "SELECT pageno FROM dbstat WHERE name = 'ledger' LIMIT 1")
damage data/suanpan.db $(((page - 1) * 4096)) 4096
"$BIN/suanpan-aggregator" --config aggregator.yaml --lang en 2>damaged.log
status=$?
expect_status 1 "the aggregator does not start on it"
expect_in damaged.log 'restore a backup' "and says what to do"
ask query homes --unit A --period 2020
expect_status 1 "nor is a figure served from it"
is_found
mend 06 42

say "a byte within a batch is another one"
batches() { sqlite3 data/suanpan.db "SELECT entry, hex(bytes) FROM ledger"; }
batches >before.txt
sqlite3 data/suanpan.db "SELECT hex(substr(bytes, -16)) FROM ledger WHERE entry = 3" >tail.txt
place=$(LC_ALL=C grep -obUaP "$(sed 's/../\\x&/g' tail.txt)" data/suanpan.db | head -n 1 | cut -d: -f1)
[ -n "$place" ] || fail "the batch is not found in the file"
old=$(dd if=data/suanpan.db bs=1 skip=$((place + 8)) count=1 status=none | xxd -p)
printf "\\x$(printf %02x $((0x$old ^ 0x41)))" | dd of=data/suanpan.db bs=1 seek=$((place + 8)) conv=notrunc status=none
entry=$(batches | diff before.txt - | grep '^>' | tr -d '> ' | cut -d'|' -f1)
[ -n "$entry" ] || fail "no batch was altered"
is_found "^all,bad,[0-9]+,$entry,"
expect_in last.err 'cannot be proved' "and why is said"
mend 07 49

# Controls: a sound store is not called damaged, and one in which another entry is damaged than is looked for is noticed.
(is_found) >/dev/null && fail "control: damage is found where there is none"
rm -rf bad
sqlite3 data/suanpan.db "UPDATE ledger SET bytes = zeroblob(length(bytes)) WHERE entry = 4" || fail "sqlite3"
(is_found "^all,bad,[0-9]+,$entry,") >/dev/null && fail "control: the wrong entry passes for the damaged one"
(is_found "^all,bad,[0-9]+,4,") >/dev/null || fail "control: entry 4 is not named"
say "controls: a sound store and another entry are told apart"
VERIFY=no
