# common.sh - what every process test needs: a city of two districts in a folder of its own, the real programs, and words to
# say what is expected. A test sources it, says what it checks, and fails at the first thing that is otherwise.
#
#   . "$(dirname "$0")/common.sh"
#   city east west            # keys, agents.csv, aggregator.yaml, a collector.yaml and an inbox for each agent
#   start_aggregator
#   put east jan.csv <<< ... ; collect east ; expect_status 0
#   ask query i_homes --period 2020 ; expect "what it means" <<< ...
#
# BIN is the folder of the programs. Everything started is stopped at the end, by its process number.
set -u
export LC_ALL=C.UTF-8
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
BIN=${BIN:-$SOURCE/build/bin}
[ -x "$BIN/suanpan" ] || { echo "no programs in $BIN; build first" && exit 1; }
PLACE=$(mktemp -d /tmp/suanpan.XXXXXX)
cd "$PLACE" || exit 1
aggregator_pid='' background_pids='' status=0

# Whatever a test did, what is in the store must be what was received. A test that damages it on purpose sets VERIFY=no.
verify_at_end() {
    [ "${VERIFY:-yes}" = yes ] && [ -f data/suanpan.db ] || return 0
    "$BIN/suanpan" --store sqlite:data/suanpan.db --lang en --format csv verify --full >verify.out 2>&1 && return 0
    cat verify.out
    echo "FAILED: verify --full at the end"
    return 1
}

finish() {
    local code=$? pid
    [ $code -eq 0 ] && { verify_at_end || code=1; }
    for pid in $aggregator_pid $background_pids; do kill -9 "$pid" 2>/dev/null; done
    wait 2>/dev/null
    if [ $code -eq 0 ] || [ $code -eq 77 ]; then
        cd / && rm -rf "$PLACE"
    else
        echo "---- files are kept in $PLACE"
        [ -f "$PLACE/aggregator.log" ] && echo "---- aggregator.log" && tail -n 40 "$PLACE/aggregator.log"
        [ -f "$PLACE/last.err" ] && echo "---- stderr of the last command" && tail -n 20 "$PLACE/last.err"
    fi
    exit $code
}
trap finish EXIT

say() { echo "* $*"; }
fail() { echo "FAILED: $*" && exit 1; }

# tier CI NIGHTLY : how many of something, by how long the run may take (tests/run --nightly).
tier() { if [ "${SUANPAN_TIER:-ci}" = nightly ]; then echo "$2"; else echo "$1"; fi; }

# Under a sanitizer everything takes longer and needs more memory, and both are only judged in the release build. The thread
# sanitizer bears no preload; the address sanitizer wants to come first: LD_PRELOAD="$ahead$library".
preset=${SUANPAN_PRESET:-release}
case $preset in asan) patience=4 ;; tsan) patience=10 ;; *) patience=1 ;; esac
ahead=''
[ $preset != asan ] || ahead=$(ldd "$BIN/suanpan" | awk '/libasan/ { print $3 ":" }')
release_only() { [ $preset = release ]; }
skip() { echo "$*" && exit 77; }
needs_preload() { [ $preset != tsan ] || skip "the thread sanitizer does not bear the preload"; }

# counts faults=N records=N lost=N doubled=N seed=N : what a fault test did; tests/run adds them up. Anything lost or doubled
# fails the test.
counts() {
    echo "counts: $*"
    case " $* " in *" lost=0 doubled=0 "*) ;; *) fail "something was lost or doubled" ;; esac
}

# A port nobody listens on, below the range the kernel gives out by itself.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port && return; }
    done
}

# ---- the city --------------------------------------------------------------------------------------------------------

scope_of() { case $1 in east*) echo A ;; west*) echo B ;; *) echo C ;; esac; }

# city AGENT... : agents named east* report district A, west* district B, others the whole city.
# ENDPOINT (tcp://... or ipc://...) is where collectors connect; default a socket in the folder.
city() {
    local agent
    endpoint=${ENDPOINT:-ipc://$PLACE/collectors.sock}
    cp -r "$HERE/catalogue" catalogue
    "$BIN/suanpan" keygen keys aggregator >/dev/null || fail "keygen aggregator"
    echo agent,scope,pub,status >agents.csv
    cat >aggregator.yaml <<YAML
catalogue: catalogue
store: sqlite:data/suanpan.db
agents: agents.csv
key: keys/aggregator.key
listen:
  collectors: $endpoint
  queries: ipc://data/query.sock
YAML
    for agent in "$@"; do add_agent "$agent"; done
}

add_agent() {
    keys_of "$1"
    echo "$1,$(scope_of "$1"),keys/$1.pub,active" >>agents.csv
}

keys_of() { # keys and configuration, but not in agents.csv
    "$BIN/suanpan" keygen keys "$1" >/dev/null || fail "keygen $1"
    mkdir -p "inbox/$1"
    cat >"$1.yaml" <<YAML
agent: $1
catalogue: catalogue
aggregator: $endpoint
key: keys/$1.key
aggregator_key: keys/aggregator.pub
outbox: outbox/$1
sources:
  - kind: report
    inbox: inbox/$1
YAML
}

# ---- programs --------------------------------------------------------------------------------------------------------

wait_for() { # seconds, what, command...
    local tenths=$(($1 * 10 * patience)) what=$2
    shift 2
    until "$@" 2>/dev/null; do
        tenths=$((tenths - 1))
        [ $tenths -gt 0 ] || fail "waited in vain for: $what"
        sleep 0.1
    done
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }
count_ready() { [ "$(grep -c ' ready ' aggregator.log 2>/dev/null)" -gt "$ready_before" ]; }

# PRELOAD=library start_aggregator, PRELOAD=library collect AGENT: what stands between the program and the C library.
start_aggregator() {
    ready_before=$(grep -c ' ready ' aggregator.log 2>/dev/null)
    ready_before=${ready_before:-0}
    env ${PRELOAD:+"LD_PRELOAD=$ahead$PRELOAD"} "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >>aggregator.out 2>>aggregator.log &
    aggregator_pid=$!
    wait_for 20 "the aggregator to be ready" aggregator_ready_or_gone
    is_gone $aggregator_pid && fail "the aggregator ended at once"
    return 0
}
aggregator_ready_or_gone() { count_ready || is_gone $aggregator_pid; }

stop_aggregator() {
    kill -TERM $aggregator_pid || fail "no aggregator to stop"
    wait $aggregator_pid
    local code=$?
    aggregator_pid=''
    [ $code -eq 0 ] || fail "the aggregator stopped with exit $code"
}

kill_aggregator() {
    kill -9 $aggregator_pid || fail "no aggregator to kill"
    wait $aggregator_pid 2>/dev/null
    aggregator_pid=''
}

# put AGENT NAME : standard input becomes a file in the agent's inbox, whole from the first moment.
put() {
    cat >"inbox/$1/.$2" && mv "inbox/$1/.$2" "inbox/$1/$2"
}

# collect AGENT [options] : takes and delivers; sets status.
collect() {
    local agent=$1
    shift
    env ${PRELOAD:+"LD_PRELOAD=$ahead$PRELOAD"} "$BIN/suanpan-collector" --config "$agent.yaml" --once --lang en "$@" >last.out 2>last.err
    status=$?
}

# ask COMMAND... : asks the running aggregator, or its store when none runs; sets status, answer in last.out.
ask() {
    "$BIN/suanpan" -c aggregator.yaml --lang en --format csv "$@" >last.out 2>last.err
    status=$?
}

# ---- expectations ----------------------------------------------------------------------------------------------------

expect_status() { # code [what]
    [ "$status" -eq "$1" ] || fail "${2:-exit code}: expected $1, got $status"
}

# expect WHAT <<< TEXT : the last answer is this text.
expect() {
    cat >wanted.txt
    diff -u --label wanted --label answer wanted.txt last.out || fail "$1"
    say "$1"
}

expect_file() { # file, what, text on standard input
    cat >wanted.txt
    diff -u --label wanted --label "$1" wanted.txt "$1" || fail "$2"
    say "$2"
}

expect_in() { # file, pattern, what
    grep -qE -- "$2" "$1" || fail "$3: no line like '$2' in $1"
    say "$3"
}

HEADER='code,unit,unit_name,period,value,numerator,denominator,reported,expected,flag'
