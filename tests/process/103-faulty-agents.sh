#!/usr/bin/env bash
# A mistake in one row of agents.csv must not keep a revocation in another waiting: what the file takes away is in force at
# once, what it gives is not before the file is sound.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
report() { printf 'element,unit,period,value\nhomes,%s,2020-%s,1\n' "$2" "$3" | put "$1" "$3.csv"; }
for agent in east west; do
    "$BIN/suanpan-collector" --config $agent.yaml --lang en >$agent.out 2>$agent.log &
    background_pids="$background_pids $!"
done
total() { ask query homes --period 2020 && [ "$(tail -n 1 last.out | cut -d, -f5)" = "$1" ]; }
report east a1 01
report west b1 01
wait_for 20 "both to deliver" total 2
keys_of third
sed -i '/^east,/s/active/revoked/' agents.csv
echo "third,C,keys/third.pub,aktive" >>agents.csv
wait_for 5 "the change to be noticed" grep -q agents_not_reloaded aggregator.log
expect_in aggregator.log 'error agents_not_reloaded .*aktive' "the faulty row is named"
expect_in aggregator.log 'warn agents_revoked keys=1' "and that a revocation is in force all the same"
report east a1 02
report west b1 02
wait_for 20 "the other agent to go on" total 3
wait_for 20 "the revoked agent to hear of it" grep -q 'revoked' east.log
collect third --timeout 2
before=$(grep -c agents_reloaded aggregator.log)
sed -i 's/aktive/active/' agents.csv
again() { [ "$(grep -c agents_reloaded aggregator.log)" -gt "$before" ]; }
wait_for 5 "the sound file to be taken" again
printf 'element,unit,period,value\nhomes,a2,2020-01,10\n' | put third x.csv
collect third --timeout 10
expect_status 0 "once the file is sound, what it gives is in force"
total 13 || fail "the revoked agent got something in: $(cat last.out)"
ask verify --full
expect_status 0 "verify"
