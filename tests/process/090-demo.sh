#!/usr/bin/env bash
# The demo as a newcomer runs it, and every command the README shows after it.
set -euo pipefail
[ "${SUANPAN_PRESET:-release}" = release ] || { echo "the demo is of the release build" && exit 77; }
source_folder=${SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$source_folder"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

fail() { echo "090-demo: $*" >&2; exit 1; }

./config/demo --exit >"$out/demo" 2>"$out/messages" || { tail -n 20 "$out/messages" >&2; fail "the demo ended with $?"; }
grep -q 'http://127.0.0.1:' "$out/demo" || fail "the demo did not print the page's address"

echo "at 30 September some goals are met, on pace, at risk, lagging"
suanpan=build/bin/suanpan
"$suanpan" -c build/demo/aggregator.yaml progress --on 2020-09-30 --format csv >"$out/progress"
for status in met on_pace at_risk lagging not_due; do
    grep -q ",$status," "$out/progress" || fail "no goal is $status on 30 September"
done
goals=$(($(wc -l <schemas/changzhou-2020/goals.csv) - 1))
[ "$(($(wc -l <"$out/progress") - 1))" -eq "$goals" ] || fail "progress does not show all $goals goals"

echo "one district is late: Zhonglou's August figures are missing"
"$suanpan" -c build/demo/aggregator.yaml query home_care_users --level district --period 2020-08 --format csv >"$out/august"
grep -q '^home_care_users,320404,[^,]*,2020-08,,,,0,1,missing' "$out/august" || fail "Zhonglou is not missing in August"

echo "one figure was corrected, one retracted, nothing refused"
"$suanpan" -c build/demo/aggregator.yaml records --element home_care_users --unit 320412 --period 2020-05 --history --format csv >"$out/corrected"
[ "$(grep -c '^home_care_users,320412,2020-05' "$out/corrected")" -eq 2 ] || fail "the correction of Wujin's May is not in the history"
"$suanpan" -c build/demo/aggregator.yaml records --element rehab_sites --unit 320411 --period 2020-06 --format csv >"$out/retracted"
[ "$(wc -l <"$out/retracted")" -eq 1 ] || fail "the retracted figure is still live"
if find build/demo/inbox -name '*.refused.csv' -o -name '*.reason.txt' | grep .; then fail "sample rows were refused"; fi

echo "the commands of the README answer"
count=0
while IFS= read -r command; do
    bash -c "$command" >"$out/command" 2>&1 || { cat "$out/command" >&2; fail "README: $command"; }
    count=$((count + 1))
done < <(sed -n '/^```sh$/,/^```$/p' README.md | grep -E '^build/bin/suanpan ')
[ "$count" -ge 3 ] || fail "the README shows only $count commands"
echo "$count commands of the README ran"
