#!/usr/bin/env bash
# What --help shows as examples works on the catalogue that comes with the programs; unknown words are usage errors.
. "$(dirname "$0")/common.sh"
city liyang
rm -r catalogue && cp -r "$SOURCE/schemas/changzhou-2020" . && sed -i 's/^catalogue: .*/catalogue: changzhou-2020/' aggregator.yaml liyang.yaml
sed -i 's/,C,/,3204,/' agents.csv
start_aggregator

example() { "$BIN/suanpan" "$1" --help --lang en | sed -n 's/^  \(suanpan .*\)/\1/p' | tail -n 1; }
for command in query progress reporting records explain status; do
    shown=$(example $command)
    case $shown in "suanpan $command"*) ;; *) fail "$command --help shows '$shown'" ;; esac
    read -ra words <<<"$shown"
    "$BIN/suanpan" "${words[@]:1}" >last.out 2>last.err || fail "$shown: exit $?"
    say "$shown"
done
goal=$(example alerts | sed 's/.*ack goal_lagging\.\([^ ]*\).*/\1/')
grep -q "^$goal," changzhou-2020/goals.csv || fail "no goal $goal, which the example of alerts names"
say "alerts: the goal is one of the catalogue's"
for program in suanpan suanpan-aggregator suanpan-collector; do
    for language in zh en; do
        "$BIN/$program" --help --lang $language >last.out 2>last.err || fail "$program --help"
        [ ! -s last.err ] && [ -z "$(tail -c 1 last.out)" ] || fail "$program --help: goes to stdout, ends with a newline"
    done
    "$BIN/$program" --version | grep -q "^$program [0-9]" || fail "$program --version"
    for wrong in "--lang xx --help" "--nonsense" ""; do
        # shellcheck disable=SC2086 # several words
        "$BIN/$program" $wrong >last.out 2>last.err
        status=$?
        expect_status 2 "$program $wrong"
        [ -s last.err ] && [ ! -s last.out ] || fail "$program $wrong: the reason goes to stderr"
    done
    say "$program: help, version and mistakes"
done
"$BIN/suanpan" keygen keys a/b >last.out 2>last.err
status=$?
expect_status 2 "a name that cannot be one"
"$BIN/suanpan" keygen keys liyang >last.out 2>last.err
status=$?
expect_status 1 "a key is never written over"
