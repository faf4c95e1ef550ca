#!/usr/bin/env bash
# One byte of a saved page is flipped: the page is made anew from the ledger when the aggregator starts, the log says so, and
# no figure is ever wrong; not with the aggregator, not from the stopped store.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
city east west
start_aggregator
{ echo element,unit,period,value
  for month in 01 02 03 04 05 06; do echo "homes,a1,2020-$month,1$month" && echo "homes,a2,2020-$month,7"; done; } | put east a.csv
collect east
expect_status 0 "east delivered"
stop_aggregator
all() { ask query homes --level town --period 2020 --by month; cp last.out "$1"; ask query homes,i_homes --period 2020; cat last.out >>"$1"; }
all right.csv
[ "$(sqlite3 data/suanpan.db "SELECT count(*) FROM block WHERE subject = 'Ehomes'")" = 6 ] || fail "six pages should be saved"

for position in 1 2 4 7 -9 -8 -1; do
    for month in 02 05; do
        # Flips the lowest bit of the byte, by its hexadecimal digits.
        sqlite3 data/suanpan.db "SELECT hex(substr(bytes, $position, 1)) FROM block WHERE subject = 'Ehomes' AND period = '2020-$month'" >byte
        new=$(printf '%02X' $((0x$(cat byte) ^ 1)))
        sqlite3 data/suanpan.db "UPDATE block SET bytes = CASE WHEN $position > 0
                THEN substr(bytes, 1, $position - 1) || x'$new' || substr(bytes, $position + 1)
                ELSE substr(bytes, 1, length(bytes) + $position) || x'$new' ||
                     substr(bytes, length(bytes) + $position + 2) END
            WHERE subject = 'Ehomes' AND period = '2020-$month'; SELECT changes()" | grep -qx 1 || fail "nothing was flipped"
    done
    all stopped.csv
    diff right.csv stopped.csv || fail "the stopped store gave another figure (byte $position)"
    grep -q 'saved pages' last.err || fail "nothing was said about the pages that were not used"
    : >aggregator.log
    start_aggregator
    wait_for 5 "the log to speak of two pages" grep -qE ' abacus_repaired who=writer blocks=2 ' aggregator.log
    all started.csv
    diff right.csv started.csv || fail "the running aggregator gave another figure (byte $position)"
    stop_aggregator
    all again.csv
    diff right.csv again.csv || fail "the mended store gave another figure (byte $position)"
    [ -s last.err ] && fail "something is still said: $(cat last.err)"
done
say "seven times two flipped bytes: noticed, made anew, mended"
