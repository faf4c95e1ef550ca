#!/usr/bin/env bash
# kill -9 of the aggregator, of collectors and of both at once, at random moments within 0 to 200 ms and at chosen calls
# (sync, write, rename, send), while files with corrections, retractions, conflicts and refused rows arrive. In the end an
# oracle that wrote every row finds each once: in the ledger or among the refusals; live figures and sums are its model's.
. "$(dirname "$0")/common.sh"
. "$SOURCE/tests/kill/city.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
districts 3
kills=${KILLS:-$(tier 300 10000)}
[ "${SUANPAN_PRESET:-release}" = release ] || kills=60
"$BIN/kill-loop" --kills "$kills" "${pairs[@]}" || fail "something is lost, doubled or wrong"
