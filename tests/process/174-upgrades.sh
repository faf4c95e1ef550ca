#!/usr/bin/env bash
# Stores and outboxes that older versions made (upgrade/, with what those answered) are brought up to date at start. The
# upgrade is killed before each statement, killed and failed at each write and sync; the older file stays whole, the next
# start goes on, figures, history and what waits in the outboxes are the same, and `verify --full` passes. What is newer
# than the program is refused and left alone; programs without a common protocol wait. Control: an upgrade without a transaction.
. "$(dirname "$0")/common.sh"
. "$HERE/../faults/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
city east west
rm -r keys && cp -r "$HERE/upgrade/keys" keys && chmod 600 keys/*.key
mkdir older
newest=$(printf '%s\n' "$SOURCE"/schemas/store_*.sql | sed 's/.*_//; s/\.sql//' | sort -n | tail -n 1) tried=0

# ---- older files ---------------------------------------------------------------------------------------------------------------------

# A version 3 stored nothing of its own yet: version 2's file with what version 3 added.
older() { # version
    local set=$1 agent
    [ "$1" = 3 ] && set=2
    rm -rf older data outbox && mkdir -p older/data older/outbox/east older/outbox/west
    { sed "s#@PLACE@#$PLACE#" "$HERE/upgrade/$set/store.sql"; [ "$1" != 3 ] || { cat "$SOURCE/schemas/store_3.sql" && echo 'PRAGMA user_version=3;'; }
        echo 'PRAGMA journal_mode=WAL;'; } | sqlite3 older/data/suanpan.db >/dev/null || fail "an older store"
    for agent in east west; do
        { sed "s#@PLACE@#$PLACE#" "$HERE/upgrade/$set/outbox-$agent.sql"; echo 'PRAGMA journal_mode=WAL;'; } |
            sqlite3 "older/outbox/$agent/outbox.db" >/dev/null || fail "an older outbox"
    done
    again
    [ "$(version)" = "$1" ] || fail "the store is not of version $1"
    history before.csv
}
again() { rm -rf data outbox collectors.sock && cp -a older/data older/outbox .; }
version() { sqlite3 -readonly data/suanpan.db 'PRAGMA user_version'; }
history() { ask records --history && cp last.out "$1" || fail "the history cannot be asked: $(cat last.err)"; }
same_history() { history after.csv && cmp -s before.csv after.csv || fail "$1: another history"; }

# The figures are those the older program printed; nothing is lost, and the ledger is proved to the last row.
is_up_to_date() { # what
    start_aggregator
    [ "$(version)" = $newest ] || fail "$1: version $(version) after the start"
    ask query homes,fee --level town --period 2020-01..2020-12 --by month
    cmp -s "$HERE/upgrade/figures.csv" last.out || fail "$1: other figures"
    same_history "$1"
    ask verify --full
    expect_status 0 "$1: verify"
    records=$((records + $(wc -l <after.csv) - 1))
}

# ---- disturbed starts ------------------------------------------------------------------------------------------------------------------

# start_with ENVIRONMENT... : a start under it; leaves when it is ready, or gone, and kills what is there then.
start_with() {
    : >aggregator.log
    ready_before=0
    env "$@" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >faulty.out 2>aggregator.log & aggregator_pid=$!
    { # without the shell's word on who was killed
        wait_for 30 "ready or gone" aggregator_ready_or_gone
        kill -9 $aggregator_pid
        wait $aggregator_pid
    } 2>/dev/null
    aggregator_pid=''
}

disturbed() { # version, what, environment...
    local what="version $1, $2"
    shift 2
    again
    rm -f fired
    start_with "$@"
    disturbed=yes
    case " $* " in
    *FAULT_*) [ -f fired ] ;;
    *) ! grep -q ' ready ' aggregator.log ;;
    esac || disturbed=no
    [ "$(version)" = $newest ] || same_history "$what, read as it lies"
    is_up_to_date "$what"
    kill_aggregator
    tried=$((tried + 1))
}

# step VERSION STRIDE WHAT ENVIRONMENT... : N in the environment is 1, 1 + STRIDE ... until a start is no longer disturbed.
step() {
    local version=$1 stride=$2 what=$3 n count=0
    shift 3
    for ((n = 1 + RANDOM % stride; ; n += stride)); do
        disturbed "$version" "$what $n" "${@/=N/=$n}"
        [ $disturbed = yes ] || break
        count=$((count + 1))
    done
    say "version $version: $what, $count times"
    [ $count -gt 0 ] || [ "$stride" -gt 1 ] || fail "no start was disturbed"
}

steps() { # version, stride
    local told=(LD_PRELOAD="$ahead$FAULTS" FAULT_ROOT="$PLACE" FAULT_TOLD="$PLACE/fired" FAULT_AT=N)
    step "$1" $(($2 < 2 || $1 == 1 ? 1 : 3)) "killed before statement" LD_PRELOAD="$ahead$BIN/other_version.so" UPGRADE_DIE_AT=N
    step "$1" "$2" "killed before write" LD_PRELOAD="$ahead$BIN/die_at.so" DIE_CALL=write DIE_WHEN=before DIE_AT=N
    step "$1" "$2" "killed after sync" LD_PRELOAD="$ahead$BIN/die_at.so" DIE_CALL=sync DIE_WHEN=after DIE_AT=N
    step "$1" "$2" "an error of write" "${told[@]}" FAULT_KIND=eio
    step "$1" "$2" "a full disk at write" "${told[@]}" FAULT_KIND=enospc
    step "$1" "$2" "an error of sync" "${told[@]}" FAULT_KIND=sync
}

# ---- outboxes ----------------------------------------------------------------------------------------------------------------------------

# East's outbox has two batches on their way, West's one; all are there however the starts before were killed.
outboxes() { # version
    local n code=137
    for ((n = 1; code == 137; n++)); do
        again
        { env LD_PRELOAD="$ahead$BIN/other_version.so" UPGRADE_DIE_AT=$n "$BIN/suanpan-collector" --config east.yaml --once --lang en --timeout 1; } >last.out 2>last.err
        code=$?
        [ "$(sqlite3 outbox/east/outbox.db 'SELECT count(*) FROM batch JOIN meta ON seq > acked')" = 2 ] || fail "version $1: East's batches, killed before statement $n"
        tried=$((tried + 1))
    done
    [ $code -eq 4 ] && [ $n -gt 3 ] || fail "version $1: the outbox was opened after $n kills with exit $code"
    start_aggregator
    for agent in east west; do collect $agent && expect_status 0 "version $1: $agent delivers what waited"; done
    ! grep -qE 'rescued|damaged|lost' last.err || fail "version $1: an outbox that is only older is no damage"
    ask query homes --period 2020 --level district
    expect "version $1: what waited in the outboxes arrived once; killed before each of $((n - 2)) statements" <<CSV
$HEADER
homes,A,东区,2020,3037,,,5,24,partial
homes,B,西区,2020,4041,,,3,12,partial
CSV
    ask verify --full
    expect_status 0 "version $1: verify after delivery"
    printf '%s\n' element,unit,period,value,revision,status,reason homes,a1,2020-04,1000,,, fee,a1,2020-04,7.77,,, | put east 05.csv
    collect east
    expect_in last.err 'file_already_taken' "version $1: the outbox knows its files"
    stop_aggregator
    records=$((records + 8))
}

for number in 1 2 3 4; do
    older $number
    again
    ask verify
    expect_status 1 "version $number: verify before the upgrade"
    expect_in last.err 'start suanpan-aggregator once' "version $number: it says what to do, not that something is bad"
    steps $number "$(tier 20 1)"
    outboxes $number
done

# ---- what is newer, and what speaks otherwise --------------------------------------------------------------------------------------------

say "a store and an outbox of a newer version"
sqlite3 data/suanpan.db 'PRAGMA user_version = 99' && sqlite3 outbox/east/outbox.db 'PRAGMA user_version = 99; ALTER TABLE batch ADD COLUMN later TEXT'
b2sum data/suanpan.db outbox/east/outbox.db >sums
"$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >last.out 2>last.err && fail "a newer store is opened"
expect_in last.err 'data/suanpan.db.?" was made by a newer version \(99\); upgrade the program' "the aggregator names the file and what to do"
collect east --timeout 1
expect_status 2 "a newer outbox"
expect_in last.err 'outbox/east/outbox.db.?" was made by a newer version \(99\); upgrade the program' "the collector, too"
b2sum -c --quiet sums && [ -z "$(find outbox -name '*damaged*')" ] || fail "what is newer was touched"
again
say "and neither touches it"

say "a collector whose protocol the aggregator does not speak"
start_aggregator
PRELOAD=$BIN/other_version.so UPGRADE_SPEAKS=9 collect east --timeout 5
expect_status 4 "it waits"
expect_in last.err 'no common protocol version; upgrade the older one' "and says what for"
collect east
expect_status 0 "upgraded, it delivers"
ask query homes --unit A --period 2020
grep -q ',3037,' last.out || fail "what had waited: $(tail -n 1 last.out)"
kill_aggregator

say "control: an upgrade that is no transaction"
older 1
start_with LD_PRELOAD="$ahead$BIN/other_version.so" UPGRADE_CARELESS=1 UPGRADE_DIE_AT=12
[ "$(version)" = 1 ] || fail "control: the upgrade was not killed in the middle"
(same_history "control" && is_up_to_date "control") >control.out 2>&1 && fail "a half upgraded store is not noticed"
say "is found: $(grep FAILED control.out)"
rm -rf data
counts faults=$tried records=$records lost=0 doubled=0 seed="$SUANPAN_SEED"
