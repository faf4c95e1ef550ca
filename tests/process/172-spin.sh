#!/usr/bin/env bash
# Every order of events of the delivery protocol's model, within small bounds; and faults put into it, each of which must be found.
. "$(dirname "$0")/common.sh"
command -v spin >/dev/null || { echo "needs spin" && exit 77; }
"$SOURCE/tests/spin/run" "$PLACE" || fail "the model finds something, or finds a fault no more"
