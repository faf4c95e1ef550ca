#!/usr/bin/env bash
# Every decoder and parser plays its kept corpus and mutants of it, and keeps what its target asserts (tests/fuzz). The control
# run: the same harness finds each fault that is seeded into fuzz_control.
. "$(dirname "$0")/common.sh"
corpus=$SOURCE/tests/fuzz/corpus
seed=${SUANPAN_SEED:-$(tier 20200930 "$(date +%s)")} # chance is for the night; what it finds joins the corpus
# What a header claims and a careless reader believes is more than this.
# What they report is read here: the control's faults are to be found.
export ASAN_OPTIONS=max_allocation_size_mb=256:allocator_may_return_null=0
export TSAN_OPTIONS="${TSAN_OPTIONS:-} max_allocation_size_mb=256 log_path=stderr" UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=stderr"
export SUANPAN_SEED=$seed SUANPAN_FUZZ_LAST=$PLACE/last
inputs=0 mutants=0

# Targets over whole files and sockets take milliseconds an input, the others microseconds.
mutants_of() {
    local many
    case $1 in
    store | export | outbox | http) many=$(tier 2 100) ;;
    catalogue | office | report | settings | agents | keys) many=$(tier 20 1000) ;;
    *) many=$(tier 300 30000) ;;
    esac
    case ${SUANPAN_PRESET:-release} in release) ;; *) many=$(((many + 9) / 10)) ;; esac
    echo "$many"
}

for source in "$SOURCE"/tests/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c) target=${target#fuzz_}
    [ "$target" = control ] && continue
    [ -n "$(ls "$corpus/$target" 2>/dev/null)" ] || fail "target $target has no corpus"
    "$BIN/fuzz_$target" --mutants "$(mutants_of "$target")" "$corpus/$target" >last.out 2>last.err || {
        cp last "/tmp/suanpan-fuzz-$target-last"
        fail "$target: an input breaks it; it is kept in /tmp/suanpan-fuzz-$target-last (seed $seed)"
    }
    read -r played _ changed _ <<<"$(tail -n 1 last.out | sed 's/^.*\] //')"
    say "$target: $played inputs, $changed mutants"
    inputs=$((inputs + played)) mutants=$((mutants + changed))
done

found() { # fault words-of-the-finding
    local code=0
    SUANPAN_FUZZ_FAULT=$1 SUANPAN_FUZZ_MS=$3 "$BIN/fuzz_control" --mutants 20000 "$corpus/control" >last.out 2>last.err || code=$?
    [ $code -ne 0 ] && grep -qE "$2" last.err || fail "control: the seeded fault '$1' was not found"
    say "control: '$1' was found"
}
"$BIN/fuzz_control" --mutants 2000 "$corpus/control" >last.out 2>last.err || fail "control: without a fault nothing is found"
found promise "the control's promise" 1000
found time "in its time" 50
found memory "does not hold: memory|allocation-size-too-big" 1000
[ "${SUANPAN_PRESET:-release}" = asan ] && found overrun "heap-buffer-overflow" 1000
counts "faults=$mutants records=$inputs lost=0 doubled=0 seed=$seed"
