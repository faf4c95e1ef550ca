#!/usr/bin/env bash
# A period's figures are pinned under a name, signed, and printed again to the last digit whatever comes later; diff names
# what changed since, with the submission that changed it.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
homes,a2,2020-01,30
fee,a1,2020-01,100.10
CSV
ask publish early --period 2020; expect_status 2 "nothing can be published before anything was received"
collect east; expect_status 0 east
ask query --level district --period 2020
cp last.out printed.csv
ask publish 一季度 --period 2020 --note "for the meeting"
expect_status 0 publish
expect_in last.out '^一季度,2020,1,[-0-9T:.+]+,[-0-9T:.+]+,for the meeting,[0-9a-f]{64},[0-9a-f]{64},valid$' "published"
cp last.out row.csv
ask publish 一季度 --period 2020; expect_status 2 "a name is given once"
ask publish 2020-09-30 --period 2020; expect_status 2 "a name that is a time"
ask publish second; expect_status 2 "without a period"
ask publications
diff row.csv last.out || fail "publications lists something else"
say "publications lists it"

put east fix.csv <<'CSV'
element,unit,period,value,status,reason
homes,a2,2020-01,31,,miscounted
CSV
collect east; expect_status 0 "the correction"
put west jan.csv <<'CSV'
element,unit,period,value
homes,b1,2020-01,5
CSV
collect west; expect_status 0 west
ask query --level district --period 2020
diff printed.csv last.out >/dev/null && fail "the corrections changed nothing"
ask query --level district --as-of 一季度
diff printed.csv last.out || fail "it is printed otherwise"
say "it is printed again to the last digit"
ask query --level district --publication 一季度 --period 2020
diff printed.csv last.out || fail "--publication prints otherwise"
ask query --publication nobody; expect_status 2 "an unknown name"
ask query --as-of 一季度 --publication 一季度; expect_status 2 "both"

ask diff --from 一季度
expect_status 0 diff
cut -d, -f1-12,14 last.out >cut.out && mv cut.out last.out
expect "diff names each changed figure and what changed it" <<'CSV'
code,unit,period,before,after,cause,element,cause_unit,cause_period,file,line,agent,reason
i_homes,C,2020,42,48,correction,homes,a2,2020-01,fix.csv,2,east,miscounted
i_homes,C,2020,42,48,new,homes,b1,2020-01,jan.csv,2,west,
i_homes,A,2020,42,43,correction,homes,a2,2020-01,fix.csv,2,east,miscounted
i_homes,B,2020,,5,new,homes,b1,2020-01,jan.csv,2,west,
i_fee,C,2020,2.38,2.09,correction,homes,a2,2020-01,fix.csv,2,east,miscounted
i_fee,C,2020,2.38,2.09,new,homes,b1,2020-01,jan.csv,2,west,
i_fee,A,2020,2.38,2.33,correction,homes,a2,2020-01,fix.csv,2,east,miscounted
CSV
ask diff --from 一季度 --unit B
[ "$(wc -l <last.out)" -eq 2 ] || fail "diff of a unit"
ask diff --from 2200-01-01 --to 一季度; expect_status 2 "backwards"
ask diff; expect_status 2 "without a beginning"
stop_aggregator
ask publish offline --period 2020; expect_status 4 "publishing needs the running aggregator"

# Years later: the catalogue has other names, formulas and units.
sed -i 's/^i_homes,户数,homes,,,0,up/i_homes,总户数,2*homes,,,1,up/' catalogue/indicators.csv
sed -i 's/^B,C,district,西区/B,C,district,新西区\nD,C,district,南区/' catalogue/units.csv
start_aggregator
ask query i_homes --unit C --period 2020
expect "the figures of today follow today's catalogue" <<CSV
$HEADER
i_homes,C,小城,2020,96.0,96,,3,36,partial
CSV
ask query --level district --as-of 一季度
diff printed.csv last.out || fail "under another catalogue it is printed otherwise"
say "under another catalogue it is printed again to the last digit, with the names of that time"
ask diff --from 一季度 --unit B
expect_in last.out '^i_homes,B,2020,,10.0,new,homes,b1,' "and diff compares with what was printed"
kill_aggregator
ask query --level district --as-of 一季度
diff printed.csv last.out || fail "the stopped store prints otherwise"
say "so does the stopped store"
"$BIN/suanpan" --store sqlite:data/suanpan.db --format csv query --level district --as-of 一季度 >last.out 2>last.err
diff printed.csv last.out || fail "the store alone prints otherwise"

ask verify --full; expect_status 0 "verify"
say "the ledger verifies"

alter() { # SQL
    cp -r data kept
    sqlite3 data/suanpan.db "$1" || fail "cannot alter"
    ask query --as-of 一季度
    rm -r data && mv kept data
}
for change in "note = 'for another meeting'" "period = '2020-Q1'" "published_at = published_at + 1" "entry = 2" "signature = zeroblob(64)"; do
    alter "UPDATE publication SET $change"
    expect_status 2 "altered: $change"
    expect_in last.err 'signature of the publication' "a publication with another ${change%% *} is refused"
done
alter "UPDATE registry SET key = zeroblob(32) WHERE kind = 'aggregator'"
expect_status 2 "a key nobody noted"
expect_in last.err 'a key .* this aggregator never had' "a publication signed with a foreign key is refused"
alter "UPDATE ledger SET hash = zeroblob(32) WHERE entry = 1"
[ "$status" -ne 0 ] || fail "a publication over another ledger is used"
say "a publication over another ledger is refused"
ask query --level district --as-of 一季度
diff printed.csv last.out || fail "the unaltered store does not print"
