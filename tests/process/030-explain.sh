#!/usr/bin/env bash
# A figure is taken apart down to the clerks' lines: its formula, the units, the records with file, line, agent and
# signature. The lines added up by hand are the figure.
. "$(dirname "$0")/common.sh"
VERIFY=no # a signature is spoiled here on purpose
http=$(free_port)
city east west
sed -i "/queries:/a\\  http: 127.0.0.1:$http" aggregator.yaml
start_aggregator
put east jan.csv <<'CSV'
element,unit,period,value,reason
homes,a1,2020-01,12,
homes,a2,2020-01,30,first count
fee,a1,2020-01,100.10,
fee,a2,2020-02,-3.05,
CSV
put west jan.csv <<'CSV'
单位,指标,报告期,数值
西一镇,户数,2020-01,"1,234"
西一镇,户数,2020-02,6
西一镇,费用,2020-01,0.01
CSV
collect east; expect_status 0 east
collect west; expect_status 0 west
put east fix.csv <<'CSV'
element,unit,period,value,status,reason
homes,a2,2020-01,31,,miscounted
fee,a2,2020-02,,X,not ours
CSV
collect east; expect_status 0 "east's correction"

cut_times() { # depth, kind, subject, unit, period, value, status, revision, detail, file, part, line, agent, entry, signature
    cut -d, -f1-3,5-15,18 last.out >cut.out && mv cut.out last.out
}
ask explain i_fee --period 2020-Q1
expect_status 0 explain
cp last.out tree.csv
cut_times
expect "the whole tree" <<'CSV'
depth,kind,subject,unit,period,value,status,revision,detail,file,part,line,agent,entry,signature
0,figure,i_fee,C,2020-Q1,0.08,partial,,reported=6 expected=18,,,,,,
1,formula,fee ÷ homes,,,0.08,,,100.11 ÷ 1283 = 0.08,,,,,,
1,numerator,fee,C,2020-Q1,100.11,,,,,,,,,
2,element,fee,C,2020-Q1,100.11,partial,,flow sum reported=2 expected=9,,,,,,
3,unit,fee,A,2020-Q1,100.10,partial,,reported=1 expected=6,,,,,,
4,unit,fee,a1,2020-Q1,100.10,partial,,reported=1 expected=3,,,,,,
5,record,fee,a1,2020-01,100.10,A,1,,jan.csv,1/1,4,east,1,valid
4,unit,fee,a2,2020-Q1,,missing,,reported=0 expected=3,,,,,,
5,retracted,fee,a2,2020-02,,X,2,not ours,fix.csv,1/1,3,east,3,valid
6,superseded,fee,a2,2020-02,-3.05,A,1,,jan.csv,1/1,5,east,1,valid
3,unit,fee,B,2020-Q1,0.01,partial,,reported=1 expected=3,,,,,,
4,unit,fee,b1,2020-Q1,0.01,partial,,reported=1 expected=3,,,,,,
5,record,fee,b1,2020-01,0.01,A,1,,jan.csv,1/1,4,west,2,valid
1,denominator,homes,C,2020-Q1,1283,,,,,,,,,
2,element,homes,C,2020-Q1,1283,partial,,flow sum reported=4 expected=9,,,,,,
3,unit,homes,A,2020-Q1,43,partial,,reported=2 expected=6,,,,,,
4,unit,homes,a1,2020-Q1,12,partial,,reported=1 expected=3,,,,,,
5,record,homes,a1,2020-01,12,A,1,,jan.csv,1/1,2,east,1,valid
4,unit,homes,a2,2020-Q1,31,partial,,reported=1 expected=3,,,,,,
5,record,homes,a2,2020-01,31,A,2,miscounted,fix.csv,1/1,2,east,3,valid
6,superseded,homes,a2,2020-01,30,A,1,first count,jan.csv,1/1,3,east,1,valid
3,unit,homes,B,2020-Q1,1240,partial,,reported=2 expected=3,,,,,,
4,unit,homes,b1,2020-Q1,1240,partial,,reported=2 expected=3,,,,,,
5,record,homes,b1,2020-01,1234,A,1,,jan.csv,1/1,2,west,2,valid
5,record,homes,b1,2020-02,6,A,1,,jan.csv,1/1,3,west,2,valid
CSV
sum=$(awk -F, '$2 == "record" && $3 == "homes" { sum += $7 } END { print sum }' tree.csv)
[ "$sum" = 1283 ] || fail "the lines come to $sum, the figure is 1283"
say "the lines added up by hand are the figure"

"$BIN/suanpan" -c aggregator.yaml --lang en --format table explain homes --period 2020 --most 4 >last.out 2>last.err
expect "for people it is a tree, and a limit on rows is said" <<'TEXT'
homes 户数 · C · 2020 = 1283  [partial]  flow sum reported=4 expected=36
├─ 东区 (A) = 43  [partial]  reported=2 expected=24 …
│  └─ 东一镇 (a1) = 12  [partial]  reported=1 expected=12 …
├─ 西区 (B) = 1240  [partial]  reported=2 expected=12 …
└─ note 4 rows are shown and rows ending in … were not taken apart further; ask for a unit below with --unit, or for more rows with --most
TEXT
ask explain i_homes --unit C --period 2020
expect_in last.out '^1,goal,g_homes,,C,2020-01..2020-12,100,[a-z_]+,,>=,' "the goal that uses the indicator is listed"

curl -s -H 'Accept: text/csv' "http://127.0.0.1:$http/api/v1/explain?code=i_fee&period=2020-Q1" >web.csv
diff tree.csv web.csv || fail "HTTP explains otherwise"
say "HTTP gives the same rows"
ask explain nonsense; expect_status 2 "an unknown code"
ask explain; expect_status 2 "no code"
ask explain homes --most 0; expect_status 2 "no rows"

sed -i '/^east,/d' agents.csv
wait_for 10 "the aggregator to read agents.csv" grep -q agents_reloaded aggregator.log
ask explain homes --unit a1 --period 2020-01
expect_in last.out ',east,1,.*,valid$' "the registry still knows the key of an agent that has gone"
stop_aggregator
ask explain i_fee --period 2020-Q1
diff tree.csv last.out || fail "the stopped store explains otherwise"
say "the stopped store explains the same"

ask verify --full; expect_status 0 "verify"
say "the ledger verifies"

sqlite3 data/suanpan.db "UPDATE ledger SET signature = zeroblob(length(signature)) WHERE entry = 3" || fail "cannot alter the store"
ask explain homes --unit a2 --period 2020-01
expect_in last.out '^1,record,homes,,a2,2020-01,31,.*,invalid$|,fix.csv,.*,invalid$' "an altered signature is invalid"
