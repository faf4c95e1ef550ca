#!/usr/bin/env bash
# Bad rows are refused beside the input, good ones of the same file count; the exit code says that something was refused.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
homes,a2,2020-01,约30
homes,a9,2020-01,5
fee,a1,2020-01,60.005
homes,a2,2020-02,-1
fee,a2,2020-01,1.50
CSV
collect east
expect_status 3 "some rows were refused"
cut -d, -f1-6 inbox/east/jan.csv.refused.csv >last.out
expect "with its line and code" <<'CSV'
element,unit,period,value,line,code
homes,a2,2020-01,约30,3,not_a_number
homes,a9,2020-01,5,4,unknown_unit
fee,a1,2020-01,60.005,5,too_many_decimals
homes,a2,2020-02,-1,6,below_min
CSV
ask query homes,fee --unit A --period 2020-01
expect "what was good counts" <<CSV
$HEADER
homes,A,东区,2020-01,12,,,1,2,partial
fee,A,东区,2020-01,1.50,,,1,2,partial
CSV
printf 'no table at all\n' | put east note.csv
collect east
expect_status 3 "a file that is no table is refused whole"
[ -f inbox/east/refused/note.csv ] && [ -f inbox/east/refused/note.csv.reason.txt ] || fail "refused/ lacks the file or its reason"
say "it lies in refused/ with its reason"
