#!/usr/bin/env bash
# libFuzzer looks for bytes that break a decoder: SUANPAN_FUZZ_SECONDS (60) for each target, from the kept corpus. What it finds
# is kept, and fails the test. The control run: it finds each fault that is seeded into fuzz_control. Only with --nightly.
. "$(dirname "$0")/common.sh"
[ "$(tier ci nightly)" = nightly ] || { echo "模糊测试只在 --nightly 时运行 / libFuzzer runs with --nightly only"; exit 77; }
[ "${SUANPAN_PRESET:-release}" = release ] || { echo "模糊测试有自己的消毒器 / fuzzing brings its own sanitizers"; exit 77; }
command -v clang >/dev/null && echo 'int main(void){return 0;}' >probe.c && clang -fsanitize=fuzzer-no-link,address probe.c -o probe 2>/dev/null ||
    { echo "缺少 clang 与 libFuzzer（config/packages-optional）/ clang with libFuzzer is missing (config/packages-optional)"; exit 77; }
corpus=$SOURCE/tests/fuzz/corpus build=$(dirname "$BIN")/fuzz seconds=${SUANPAN_FUZZ_SECONDS:-60}
mkdir -p "$build/new" "$build/found"
targets=$(cd "$SOURCE/tests/fuzz" && ls fuzz_*.c | sed 's/\.c$//')
{ cmake -S "$SOURCE" -B "$build" -G Ninja -DSUANPAN_PRESET=fuzz -DCMAKE_C_COMPILER=clang &&
    # shellcheck disable=SC2086
    cmake --build "$build" --target $targets; } >last.out 2>last.err || { tail -n 40 last.out; fail "the preset fuzz builds"; }

fuzz() { # target seconds more...: into $build/TARGET.log
    local target=$1 most=65536 dictionary=$SOURCE/tests/fuzz/dictionary/$1.dict
    case $target in period | decimal | checkpoint | options | keys | outbox | store | export) most=4096 ;; esac
    mkdir -p "$build/new/$target"
    # A dictionary is an option only where there is one.
    "$build/bin/fuzz_$target" -max_total_time="$2" -max_len=$most -timeout=30 -malloc_limit_mb=128 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$build/found/$target-" ${dictionary:+$([ -f "$dictionary" ] && echo "-dict=$dictionary")} \
        "${@:3}" "$build/new/$target" "$corpus/$target" >"$build/$target.log" 2>&1
}

broken='' inputs=0
for source in $targets; do
    target=${source#fuzz_}
    [ "$target" = control ] && continue
    fuzz "$target" "$seconds" || broken="$broken $target"
    played=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
    say "$target: ${played:-0} inputs, $(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$build/$target.log" | tail -n 1)"
    inputs=$((inputs + ${played:-0}))
done
for target in $broken; do tail -n 60 "$build/$target.log"; done
[ -z "$broken" ] || fail "an input breaks:$broken; kept in $build/found"

found() { # fault words
    local code=0
    rm -rf "$build/new/control"
    SUANPAN_FUZZ_FAULT=$1 SUANPAN_FUZZ_MS=$3 fuzz control 600 || code=$?
    [ $code -ne 0 ] && grep -qE "$2" "$build/control.log" || fail "control: the seeded fault '$1' was not found"
    rm -f "$build"/found/control-*
    say "control: '$1' was found"
}
found promise "the control's promise" 1000
found time "in its time" 50
found memory "out-of-memory|allocation-size-too-big" 1000
found overrun "heap-buffer-overflow" 1000
counts "faults=$inputs records=$inputs lost=0 doubled=0 seed=0"
