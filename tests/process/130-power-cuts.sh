#!/usr/bin/env bash
# The power goes at any moment: what was not synced is on the disk, or not, or a part of it. Nothing acknowledged is lost,
# nothing counts twice after the collectors reconnect, every file is in its inbox or taken. The real programs run under a
# recorder; images of their disks are made from what it wrote down. Controls: syncs of the logs, and of folders, that are
# worth nothing must show losses.
. "$(dirname "$0")/common.sh"
. "$HERE/../faults/common.sh"
FILES=$(tier 60 200) IMAGES=$(tier 2000 60000) STARTED=$(tier 8 300)
scratch
city east west
workload "$FILES" east west
cp -a . "$SCRATCH/base" && rm -rf "$SCRATCH/base/"{keys,catalogue}
recorded=(env "FAULT_ROOT=$PLACE" "FAULT_LOG=$SCRATCH/log" "LD_PRELOAD=$ahead$FAULTS") # env becomes the program: $! is its number

say "the run that is recorded: two collectors, killed and started again, an aggregator likewise"
run_aggregator() {
    "${recorded[@]}" "$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >>aggregator.out 2>>aggregator.log & aggregator_pid=$!
}
run_collectors() {
    for agent in east west; do
        "${recorded[@]}" "$BIN/suanpan-collector" --config $agent.yaml --lang en >>$agent.log 2>&1 & background_pids="$background_pids $!"
    done
}
sed -i 's/    inbox: .*/&\n    settle_seconds: 0/' east.yaml west.yaml
cut_down() { # kill -9, but between two operations: what is done is in the log (faults/preload.c)
    exec 3<"$SCRATCH/log"
    flock 3 || fail "no lock on the log"
    kill -9 "$@"
    exec 3<&-
    wait "$@" 2>/dev/null
}
run_aggregator
run_collectors
part() { [ "$(find inbox/*/done -name '*.csv' | wc -l)" -ge "$1" ]; }
wait_for 60 "a quarter of the files" part $((FILES / 2))
cut_down $aggregator_pid
run_aggregator
wait_for 60 "half of the files" part $((FILES * 9 / 10))
cut_down $background_pids; background_pids=''
run_collectors
everything() { [ -z "$(find inbox/* -maxdepth 1 -name '*.csv' ! -name '*.refused.csv')" ]; }
wait_for 60 "all files to be taken" everything
kill $background_pids; wait $background_pids 2>/dev/null; background_pids=''
for agent in east west; do
    "${recorded[@]}" "$BIN/suanpan-collector" --config $agent.yaml --once --lang en 2>>$agent.log
    code=$?
    [ $code -eq 0 ] || [ $code -eq 3 ] || fail "$agent did not deliver ($code)"
done
kill -TERM $aggregator_pid; wait $aggregator_pid; aggregator_pid=''
figures right.csv
[ "$(wc -l <right.csv)" -gt "$FILES" ] || fail "too few figures"
all_in_place "$FILES" east west

cut_power() { TMPDIR=$SCRATCH "$BIN/powercut" "$SCRATCH/base" "$SCRATCH/log" "$PLACE" "$SCRATCH" "$@" >cut.out 2>cut.err ||
    fail "powercut: $(cat cut.err)"; }
value() { sed -n "s/.*$1=\([0-9]*\).*/\1/p" cut.out | tail -n 1; }
mkdir "$SCRATCH/kept"
cut_power --images "$IMAGES" --keep "$STARTED" "$SCRATCH/kept"
tail -n 1 cut.out; cat cut.err
[ "$(value broken)" = 0 ] || fail "promises were broken"
promises=$(value promises)

say "the real programs are started on some of the images"
home=$PWD started=0
for image in $(seq "$STARTED"); do
    cd "$SCRATCH/kept/$image" || fail "image $image was not kept"
    cp -r "$home/"{keys,catalogue,agents.csv,aggregator.yaml,east.yaml,west.yaml} .
    sed -i "s#ipc://.*collectors.sock#ipc://$PWD/collectors.sock#" ./*.yaml
    date_files
    : >aggregator.log
    start_aggregator
    for agent in east west; do
        collect $agent --timeout 60
        [ $status -eq 0 ] || [ $status -eq 3 ] || fail "image $image: $agent could not deliver ($status): $(cat last.err)"
    done
    stop_aggregator
    figures answer.csv
    diff "$home/right.csv" answer.csv || fail "image $image answers otherwise"
    all_in_place "$FILES" east west
    ask verify --full
    expect_status 0 "image $image verifies"
    cd "$home" || exit 1
    rm -rf "$SCRATCH/kept/$image"
    started=$((started + 1))
done
[ $started -eq "$STARTED" ] || fail "only $started of $STARTED images were started"
say "$started images started: every figure, every file in its place"

say "controls: a disk that does not sync"
cut_power --images 300 --ignore log
log_losses=$(value broken)
cut_power --images 300 --ignore folder
folder_losses=$(value broken)
say "without syncs of the logs $log_losses of 300 images broke a promise, without syncs of folders $folder_losses"
[ "$log_losses" -ge 60 ] || fail "the harness does not notice logs that are not synced"
[ "$folder_losses" -ge 10 ] || fail "the harness does not notice folders that are not synced"
counts faults=$IMAGES records=$promises lost=0 doubled=0 seed=$SUANPAN_SEED
