#!/usr/bin/env bash
# The same questions to the running aggregator, to its store after a clean stop, and after kill -9: the same answers.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
homes,a2,2020-01,30
fee,a1,2020-01,100.10
fee,a2,2020-02,-3.05
CSV
put west jan.csv <<'CSV'
单位,指标,报告期,数值
西一镇,户数,2020-01,"1,234"
西一镇,费用,2020-01,0.01
CSV
collect east; expect_status 0 east
collect west; expect_status 0 west
everything() {
    for question in "query --period 2020" "query --period 2020-Q1 --level district" "query homes,fee,i_fee --level town --period 2020-01" \
        "progress --on 2020-12-31" "reporting --period 2020-01 --on 2020-06-01" "records --history" "records --element homes"; do
        echo "== $question"
        ask $question
        echo "exit $status"
        cat last.out
    done
}
everything >online.txt
stop_aggregator
everything >stopped.txt
diff -u online.txt stopped.txt || fail "the stopped store answers otherwise"
say "the stopped store answers the same"
start_aggregator
everything >again.txt
diff -u online.txt again.txt || fail "the aggregator started again answers otherwise"
kill_aggregator
everything >killed.txt
diff -u online.txt killed.txt || fail "the killed aggregator's store answers otherwise"
say "so do the aggregator started again and the store after kill -9"
ask query i_fee --period 2020-01
expect "and the answer is right" <<CSV
$HEADER
i_fee,C,小城,2020-01,0.08,100.11,1276,5,6,partial
CSV
start_aggregator
"$BIN/suanpan-aggregator" --config aggregator.yaml >second.out 2>second.err
status=$?
expect_status 4 "a second aggregator on the same store"
say "a second aggregator on the same store does not start"
