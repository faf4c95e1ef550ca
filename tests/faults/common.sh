# common.sh - what tests 130 to 139 share beside process/common.sh: a run of files with known figures, and the preload.
#
#   workload 60 east west    # so many files in each inbox, some with refused rows or refused whole, and wanted.csv
#   prepare 10; spread sync 5 1   # five of all syncs fail, one a run, in either program; afterwards all is well
needs_preload
FAULTS=$BIN/suanpan-faults.so
runs=0 records=0 fired=0
[ -f "$FAULTS" ] || { echo "no $FAULTS; build first" && exit 1; }
: "${SUANPAN_SEED:=$(($(date +%s%N) / 1000 % 1000000000 + 1))}"
export SUANPAN_SEED
say "SUANPAN_SEED=$SUANPAN_SEED"
RANDOM=$((SUANPAN_SEED % 32768))

# A folder in memory, so that a thousand images take no disk; finish removes it with $PLACE.
scratch() {
    SCRATCH=$(mktemp -d /dev/shm/suanpan.XXXXXX 2>/dev/null) || { SCRATCH=$PLACE/scratch && mkdir "$SCRATCH"; }
    trap 'code=$?; [ $code -ne 0 ] && echo "---- and in $SCRATCH" || rm -rf "$SCRATCH"; (exit $code); finish' EXIT
}

# File i of an agent reports a month of a1 (b1) and corrects the month before; flows, so that what counts twice shows.
workload() { # files agent...
    local files=$1 agent unit i year month
    shift
    for agent in "$@"; do
        unit=$(scope_of "$agent" | tr AB ab)1
        for i in $(seq "$files"); do
            year=$((1990 + i / 12)) month=$(printf '%02d' $((i % 12 + 1)))
            {
                echo element,unit,period,value
                echo "homes,$unit,$year-$month,$((1000 + i))"
                echo "fee,$unit,$year-$month,$i.25"
                [ $((i % 12)) -eq 0 ] || [ "${CORRECTIONS:-yes}" = no ] || echo "homes,$unit,$year-$(printf '%02d' $((i % 12))),$((2000 + i))"
                case $((i % 10)) in
                3) echo "homes,$unit,$year-$month.,5" ;;
                7) echo "homes,$unit,$year-$month,many" ;;
                esac
            } >content
            case $((i % 10)) in
            3 | 7) mv content "inbox/$agent/$(printf '%04d' "$i").rows.csv" ;;
            9) echo no table at all, "$i" >"inbox/$agent/$(printf '%04d' "$i").whole.csv" ;;
            *) mv content "inbox/$agent/$(printf '%04d' "$i").csv" ;;
            esac
        done
    done
    rm -f content
    date_files
}

# Files are taken in the order of their times.
date_files() {
    local file
    for file in inbox/*/[0-9]*.csv; do
        [ -f "$file" ] && touch -d "@$((1577808000 + 10#$(basename "$file" | cut -c1-4)))" "$file"
    done
    return 0
}

figures() { # into a file: every figure there is
    ask query homes,fee --level town --period 1990..2030 --by month
    expect_status 0 "query"
    grep -v ',,,,0,' last.out >"$1"
}

# Every file of the workload where it belongs, once. $1: files; then agents.
all_in_place() {
    local files=$1 agent i name where
    shift
    for agent in "$@"; do
        [ -z "$(find "inbox/$agent" -maxdepth 1 -name '*.csv' ! -name '*.refused.csv')" ] || fail "files are left in $agent's inbox"
        for i in $(seq "$files"); do
            name=$(printf '%04d' "$i") where=done
            [ $((i % 10)) -eq 9 ] && where=refused
            [ "$(find "inbox/$agent/$where" -name "$name*.csv" | wc -l)" = 1 ] || fail "$agent: file $name is not once in $where/"
            case $((i % 10)) in
            3 | 7) [ "$(cat "inbox/$agent/$name".rows.csv*.refused.csv | wc -l)" = 2 ] || fail "$agent: refused rows of $name" ;;
            esac
        done
    done
}

# ---- the n-th call fails -----------------------------------------------------------------------------------------------------------

# prepare FILES : a district with so many files, and right.csv, the figures when nothing fails.
prepare() {
    files=$1
    rm -rf catalogue keys template inbox data outbox
    city east
    workload "$files" east
    mkdir template && cp -a inbox template/
    start_aggregator
    collect east
    expect_status 3 "the undisturbed run"
    figures right.csv
    stop_aggregator
}

fresh() {
    rm -rf data outbox inbox recording base fired count collectors.sock
    cp -a template/inbox .
    : >aggregator.log
    status=0
}

faulty() { # kind n lasts: the environment of a program that is to fail
    faulty=(env "FAULT_ROOT=$PLACE" "FAULT_KIND=$1" "FAULT_AT=$2" "FAULT_LASTS=$3" "FAULT_TOLD=$PLACE/fired"
        "FAULT_COUNT=$PLACE/count" "LD_PRELOAD=$ahead$FAULTS")
    recorded=()
    [ "$1" = sync ] || return 0
    mkdir base && cp -a inbox base/
    faulty+=("FAULT_LOG=$PLACE/recording")
    recorded=(env "FAULT_ROOT=$PLACE" "FAULT_LOG=$PLACE/recording" "LD_PRELOAD=$ahead$FAULTS")
}

# Ended by itself, with a word why; or (memory alone) by abort, which says so too.
ended_well() { # code, what, its standard error
    case $1 in
    0 | 3) return 0 ;;
    1 | 2 | 4) [ -s "$3" ] || fail "$2: exit $1 without a word" ;;
    134) [ "$kind" = memory ] && [ -s "$3" ] || fail "$2: aborted: $(tail -n 3 "$3")" ;;
    *) fail "$2: exit $1: $(tail -n 3 "$3")" ;;
    esac
}

# After a failed sync the bytes are not on the disk, whatever a later sync says: what was promised must not rest on them.
nothing_rests_on_it() { # what
    [ "$kind" = sync ] || return 0
    mkdir -p "$SCRATCH/cut"
    "$BIN/powercut" base recording "$PLACE" "$SCRATCH/cut" --end --images 6 >cut.out 2>cut.err || fail "$1: $(cat cut.err)"
    grep -q 'broken=0$' cut.out || fail "$1: a promise rested on a sync that failed: $(cat cut.err)"
}

all_is_well() { # what
    start_aggregator
    collect east --timeout 60
    [ $status -eq 0 ] || [ $status -eq 3 ] || fail "$1: afterwards nothing can be delivered ($status): $(cat last.err)"
    ask verify --full
    expect_status 0 "$1: verify afterwards"
    stop_aggregator
    figures answer.csv
    diff right.csv answer.csv || fail "$1: afterwards another figure"
    all_in_place "$files" east
    runs=$((runs + 1)) records=$((records + $(wc -l <right.csv)))
}

aggregator_faces() { # kind n lasts
    local what="aggregator, $1 at call $2 ($3)" code
    kind=$1
    fresh
    faulty "$@"
    "${faulty[@]}" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >faulty.out 2>aggregator.log & aggregator_pid=$!
    ready_before=0
    wait_for 60 "$what: ready or gone" aggregator_ready_or_gone
    is_gone $aggregator_pid ||
        "${recorded[@]}" "$BIN/suanpan-collector" --config east.yaml --once --lang en --timeout 3 >last.out 2>last.err
    if is_gone $aggregator_pid; then :; elif [ "$kind" = sync ]; then kill -9 $aggregator_pid; else kill -TERM $aggregator_pid; fi
    wait_for 60 "$what: the end" is_gone $aggregator_pid
    wait $aggregator_pid 2>/dev/null
    code=$?
    aggregator_pid=''
    [ $code -eq 137 ] && [ "$kind" = sync ] || ended_well $code "$what" aggregator.log
    [ ! -f fired ] || fired=$((fired + 1))
    nothing_rests_on_it "$what"
    : >aggregator.log
    all_is_well "$what"
}

collector_faces() { # kind n lasts
    local what="collector, $1 at call $2 ($3)"
    kind=$1
    fresh
    faulty "$@"
    ready_before=0
    "${recorded[@]}" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >faulty.out 2>aggregator.log & aggregator_pid=$!
    wait_for 60 "$what: ready" count_ready
    "${faulty[@]}" "$BIN/suanpan-collector" --config east.yaml --once --lang en --timeout 7 >last.out 2>last.err
    ended_well $? "$what" last.err
    [ ! -f fired ] || fired=$((fired + 1))
    kill_aggregator
    nothing_rests_on_it "$what"
    : >aggregator.log
    all_is_well "$what"
}

# calls PROGRAM KIND : how many calls of the kind an undisturbed run makes.
calls() {
    fresh
    faulty "$2" 0 0
    if [ "$1" = aggregator ]; then
        "${faulty[@]}" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >faulty.out 2>aggregator.log & aggregator_pid=$!
        ready_before=0
        wait_for 60 "ready" count_ready
        collect east
        stop_aggregator
    else
        start_aggregator
        "${faulty[@]}" "$BIN/suanpan-collector" --config east.yaml --once --lang en >last.out 2>last.err
        cp count counted
        stop_aggregator
        mv counted count
    fi
    [ -s count ] || fail "$1: calls were not counted"
    total=$(cat count)
    [ "$total" -gt 0 ] || fail "$1 makes no call of the kind $2"
}

# spread KIND COUNT LASTS : COUNT calls out of all of them, evenly, for both programs.
spread() {
    local program i
    for program in aggregator collector; do
        calls $program "$1"
        say "$program, $1: $total calls, $2 of them fail"
        for i in $(seq 0 $(($2 - 1))); do
            ${program}_faces "$1" $((1 + (i * total + (RANDOM * total / 32768)) / $2)) "$3"
        done
    done
}

# exhaust KIND LASTS [STEP] : every call (every STEP-th, from one drawn by the seed), for both programs, until a run in which
# none was left to fail.
exhaust() {
    local program n step=${3:-1}
    for program in aggregator collector; do
        n=$((1 + SUANPAN_SEED % step))
        while ${program}_faces "$1" $n "$2" && [ -f fired ]; do n=$((n + step)); done
        say "$program, $1 for $2: each of $((n - 1)) calls failed once$([ $step -eq 1 ] || echo ", or one of $step of them")"
    done
}
