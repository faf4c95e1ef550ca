#!/usr/bin/env bash
# Revisions decide: higher replaces, lower is history, equal with another value is a conflict; X takes a figure back.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
rows() { { echo element,unit,period,value,revision,status && cat; } | put east "$1"; collect east; }
homes() { ask query homes --unit a1 --period 2020-01 && cut -d, -f5,8 last.out | tail -n 1 >value.out && mv value.out last.out; }
rows 1.csv <<< 'homes,a1,2020-01,12,1,'
expect_status 0
homes; expect "revision 1 is live" <<< '12,1'
rows 2.csv <<< 'homes,a1,2020-01,14,3,'
homes; expect "revision 3 replaces it" <<< '14,1'
rows 3.csv <<< 'homes,a1,2020-01,13,2,'
expect_status 0 "a lower revision is no error"
homes; expect "revision 2 is kept as history" <<< '14,1'
rows 4.csv <<< 'homes,a1,2020-01,15,3,'
expect_status 3 "the same revision with another value is a conflict"
homes; expect "and changes nothing" <<< '14,1'
grep -rq conflict inbox/east || fail "the conflict did not come back"
grep -rqE '汇总端拒收：.* 2020-[0-9]+ 的版本 [0-9]+ 已有另一个数值' inbox/east || fail "the row does not say which revision"
say "the conflict came back to the district"
rows 5.csv <<< 'homes,a1,2020-01,14,3,A'
expect_status 0 "the same revision with the same value is no error"
rows 6.csv <<< 'homes,a1,2020-01,16,,'
expect_status 0
homes; expect "without a revision it replaces what is live" <<< '16,1'
rows 7.csv <<< 'homes,a1,2020-01,,,X'
expect_status 0
homes; expect "X takes it back" <<< ',0'
rows 8.csv <<< 'homes,a1,2020-01,,,M'
expect_status 0
homes; expect "M is reported but no figure" <<< ',1'
rows 9.csv <<< 'homes,a1,2020-01,17,,E'
homes; expect "an estimate is a figure" <<< '17,1'
