#!/usr/bin/env bash
# Reads, writes, syncs, names and memory fail while the office works: keygen, backup, restore, publish, on its own side and
# on the aggregator's. Each command does what it says or says that it did not; what there was is still there, nothing half
# made has a name, and the same command afterwards succeeds. At night each single call fails once.
VERIFY=no
. "$(dirname "$0")/common.sh"
. "$HERE/../faults/common.sh"
scratch
kinds="sync eio enospc eintr short name read"
release_only && kinds="$kinds memory" # a sanitizer hands out the memory itself

# ---- what there is --------------------------------------------------------------------------------------------------------

city east
month() { printf 'element,unit,period,value\nhomes,a1,2020-%s,%s\n' "$1" "$2" | put east "$1.csv"; collect east; expect_status 0 "month $1"; }
start_aggregator
month 01 1
ask backup good
expect_status 0 "a backup"
month 02 2
stop_aggregator
mv data now
sum() { "$BIN/suanpan" --store "sqlite:$1" --lang en --format csv query homes --period 2020 2>/dev/null | tail -n 1 | cut -d, -f5; }
[ "$(sum now/suanpan.db)$(sum good/suanpan.db)" = 31 ] || fail "the figures to begin with"

# ---- one run --------------------------------------------------------------------------------------------------------------

# run WHAT PROGRAM ARGUMENTS... : with the fault; sets code.
run() {
    local what=$1
    shift
    rm -f fired
    env "FAULT_ROOT=$PLACE" "FAULT_KIND=$kind" "FAULT_AT=$n" FAULT_LASTS=1 "FAULT_TOLD=$PLACE/fired" "LD_PRELOAD=$ahead$FAULTS" \
        "$@" >last.out 2>last.err
    code=$?
    ended_well $code "$what" last.err
    [ ! -f fired ] || fired=$((fired + 1))
    runs=$((runs + 1))
}

suanpan() { "$BIN/suanpan" --lang en --format csv "$@" >last.out 2>last.err; status=$?; }

keygen_faces() {
    rm -rf new && mkdir new
    run "$what" "$BIN/suanpan" --lang en keygen new x
    suanpan keygen new x
    # Refused only because it is there, whole.
    [ $status -eq 0 ] || grep -q 'exists already' last.err || fail "$what: again: exit $status: $(cat last.err)"
    [ $status -ne 0 ] || [ $code -ne 0 ] || fail "$what: it said that it is done, and there was nothing"
    [ "$(stat -c %a new/x.key)" = 600 ] || fail "$what: others can read the key"
    sed 's#keys/east.key#new/x.key#; s#keys/aggregator.pub#new/x.pub#' east.yaml >new.yaml
    "$BIN/suanpan-collector" --config new.yaml --check >check.out 2>&1 || fail "$what: a key that is none: $(cat check.out)"
    [ "$(ls -A new)" = $'x.key\nx.pub' ] || [ $code -eq 134 ] || fail "$what: leftovers: $(ls -A new)"
}

sound_backup() { # folder
    [ "$(sum "$1/suanpan.db")" = 3 ] || fail "$what: the backup answers otherwise"
    rm -rf elsewhere && mkdir elsewhere
    sed 's#data/suanpan.db#elsewhere/suanpan.db#' aggregator.yaml >elsewhere.yaml
    suanpan -c elsewhere.yaml restore "$1"
    [ $status -eq 0 ] || fail "$what: a backup that cannot be restored: $(cat last.err)"
}

backup_faces() {
    rm -rf data made made.* && cp -a now data
    run "$what" "$BIN/suanpan" -c aggregator.yaml --lang en backup made
    [ $code -ne 0 ] || [ -d made ] || fail "$what: it said that it is done, and there is no backup"
    if [ ! -d made ]; then
        suanpan -c aggregator.yaml backup made
        [ $status -eq 0 ] || fail "$what: again: exit $status: $(cat last.err)"
    fi
    sound_backup made
    [ "$(sum data/suanpan.db)" = 3 ] || fail "$what: the store is another"
}

restore_faces() {
    rm -rf data && cp -a now data
    run "$what" "$BIN/suanpan" -c aggregator.yaml --lang en restore good --force
    [ $code -ne 0 ] || [ "$(sum data/suanpan.db)" = 1 ] || fail "$what: it said that it is done, and it is not"
    # The old one, the new one, or for a moment none, and then the old one lies beside; never a third.
    if [ -f data/suanpan.db ]; then
        case $(sum data/suanpan.db) in 1 | 3) ;; *) fail "$what: neither the old store nor the new one" ;; esac
    else
        [ "$(sum "$(find data -name 'suanpan.db?*' ! -name '*-wal' ! -name '*-shm' ! -name '*.lock' ! -name '*restoring*' | head -n 1)")" = 3 ] ||
            fail "$what: the former store is lost: $(ls data)"
    fi
    suanpan -c aggregator.yaml restore good --force
    [ $status -eq 0 ] || fail "$what: again: exit $status: $(cat last.err)"
    [ "$(sum data/suanpan.db)" = 1 ] || fail "$what: again, and it is another store"
    suanpan --store sqlite:data/suanpan.db verify --full
    [ $status -eq 0 ] || fail "$what: verify"
}

publish_faces() { # the aggregator runs
    run "$what" "$BIN/suanpan" -c aggregator.yaml --lang en publish "p.$kind.$n" --period 2020
    suanpan -c aggregator.yaml publish "p.$kind.$n" --period 2020
    [ $status -eq 0 ] || [ $status -eq 2 ] || fail "$what: again: exit $status: $(cat last.err)"
    [ $status -ne 0 ] || [ $code -ne 0 ] || fail "$what: it said that it is done, and it was not"
}

# The aggregator's side of both, with a question before and after.
office_faces() {
    local aggregator_code
    rm -rf data made begin fired && cp -a now data
    : >aggregator.log
    ready_before=0
    env "FAULT_ROOT=$PLACE" "FAULT_KIND=$kind" "FAULT_AT=$n" FAULT_LASTS=1 "FAULT_TOLD=$PLACE/fired" \
        "FAULT_WHEN=$PLACE/begin" "LD_PRELOAD=$ahead$FAULTS" \
        "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >faulty.out 2>aggregator.log & aggregator_pid=$!
    wait_for 60 "ready" count_ready
    touch begin
    suanpan -c aggregator.yaml --timeout 8 publish first --period 2020
    ended_well $status "$what: publish" last.err
    code=$status
    suanpan -c aggregator.yaml --timeout 8 backup made
    ended_well $status "$what: backup" last.err
    is_gone $aggregator_pid || kill -TERM $aggregator_pid
    wait $aggregator_pid
    aggregator_code=$?
    aggregator_pid=''
    ended_well $aggregator_code "$what: the aggregator" aggregator.log
    [ ! -f fired ] || fired=$((fired + 1))
    runs=$((runs + 1))
    [ ! -d made ] || sound_backup made
    [ $status -ne 0 ] || [ -d made ] || fail "$what: no backup"
    : >aggregator.log
    start_aggregator
    suanpan -c aggregator.yaml publications
    [ $code -ne 0 ] || grep -q '^first,.*,valid$' last.out || fail "$what: what was published is not there"
    suanpan -c aggregator.yaml publish second --period 2020
    [ $status -eq 0 ] || fail "$what: again: $(cat last.err)"
    suanpan -c aggregator.yaml verify --full
    [ $status -eq 0 ] || fail "$what: verify"
    stop_aggregator
}

# ---- all of them -------------------------------------------------------------------------------------------------------------

# try COMMAND COUNT STEP : for each kind so many calls out of those it makes, or (night) all, of memory every STEP-th.
try() {
    local command=$1 count=$2 total i step
    for kind in $kinds; do
        total=0
        if [ "$(tier ci nightly)" = ci ]; then
            n=1000000 what="$command, counting $kind"
            FAULT_COUNT=$PLACE/count ${command}_faces
            total=$(cat count)
            [ "$total" -gt 0 ] || continue
            for i in $(seq 0 $((count - 1))); do
                n=$((1 + (i * total + RANDOM * total / 32768) / count)) what="$command, $kind at call $n"
                ${command}_faces
            done
        else
            step=1
            [ "$kind" != memory ] || step=$3
            for ((n = 1 + SUANPAN_SEED % step; ; n += step)); do
                what="$command, $kind at call $n"
                ${command}_faces
                [ -f fired ] || break
                total=$n
            done
        fi
        say "$command: of $total calls of $kind some or all failed"
    done
}

try keygen 2 1
try backup 1 7
try restore 1 7
rm -rf data && cp -a now data
start_aggregator
try publish 1 7
suanpan -c aggregator.yaml publications
grep '^p\.' last.out | grep -v ',valid$' && fail "a publication that is not valid"
suanpan -c aggregator.yaml verify --full
[ $status -eq 0 ] || fail "verify after all the publications"
stop_aggregator
try office 1 31
[ $fired -ge $((runs / 3)) ] || fail "only $fired of $runs faults happened"

# Controls: a backup that lacks a file, and a key that is cut off, are noticed.
kind=eio n=1 what=control
cp -a good lame && rm lame/keys/east.pub
(sound_backup lame) >/dev/null && fail "control: a backup that lacks a file is not noticed"
suanpan() { head -c 40 keys/east.key >new/x.key; chmod 600 new/x.key; : >new/x.pub; echo exists already >last.err; status=1; }
(keygen_faces) >/dev/null && fail "control: half a key is not noticed"
counts faults=$fired records=$runs lost=0 doubled=0 seed=$SUANPAN_SEED
