#!/usr/bin/env bash
# A collector begins a new life (its outbox came out of a backup, or was damaged), and then the aggregator is restored to a
# backup from before: what was acknowledged and in no backup must come back, though it was delivered under the former life.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
month() { printf 'element,unit,period,value\nhomes,%s,2020-%s,%s\n' "$2" "$3" "$4" | put "$1" "$3.csv"; }
deliver() { month "$@"; collect "$1" --timeout 30; expect_status 0 "$1 $3"; }
backed_up() { sqlite3 "outbox/$1/outbox.db" "SELECT backed FROM meta"; }
lives() { sqlite3 data/suanpan.db "SELECT count(*) FROM outbox WHERE agent = '$1'"; }
add() { # month, value, agent, unit: what an unharmed city would have
    deliver "$3" "$4" "$1" "$2"
    total=$((total + $2)) months=$((months + 1))
}
total=0 months=0
whole() { # what
    ask query homes --period 2020
    expect "$1" <<CSV
$HEADER
homes,C,小城,2020,$total,,,$months,36,partial
CSV
}
add 01 1 east a1
add 01 2 west b1
mkdir backups
ask backup backups/january
expect_status 0 "a backup"
add 02 10 east a1
add 02 20 west b1
add 03 100 east a1
add 03 200 west b1
for agent in east west; do
    [ "$(backed_up $agent)" -eq 1 ] || fail "$agent did not hear that its first batch, and no other, is in a backup"
done
say "February and March are acknowledged, and in no backup"

cp -r outbox/east east.before
add 04 1000 east a1
rm -rf outbox/east && mv east.before outbox/east
printf 'element,unit,period,value\nhomes,a1,2020-04,1000\n' | put east 04.csv # out of done/
add 05 10000 east a1
stop_aggregator
month west b1 05 20000
collect west --timeout 1
expect_status 4 "west cannot deliver"
sqlite3 outbox/west/outbox.db "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE seq = 4" || fail "sqlite3"
start_aggregator
add 05 20000 west b1
[ -n "$(find outbox/west -name 'outbox.db.damaged-*')" ] || fail "west's outbox was not rescued"
for agent in east west; do
    [ "$(lives $agent)" -eq 2 ] || fail "$agent has no new life"
    [ "$(backed_up $agent)" -eq 0 ] || fail "$agent's new life is in no backup"
done
say "east's outbox was put back, west's was damaged: both have a new life"
whole "what came again with it counts once"

kill_aggregator
ask restore backups/january --force
expect_status 0 "the aggregator is back at January"
start_aggregator
add 06 100000 east a1
add 06 200000 west b1
whole "everything is back, to the last row"
counts faults=3 records=$months lost=0 doubled=0 seed=0
