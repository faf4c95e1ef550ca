#!/usr/bin/env bash
# Would the kill loops notice? Four things are done to them that lose or double rows: each must be found.
. "$(dirname "$0")/common.sh"
. "$SOURCE/tests/kill/city.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
for control in pruned twice vanished silent; do
    rm -rf ./*
    districts 2
    "$BIN/kill-loop" --kills 10 --control $control "${pairs[@]}" >control.out 2>control.err ||
        { cat control.out control.err; fail "control $control was not found"; }
    grep 'control' control.out
done
