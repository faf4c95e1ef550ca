#!/usr/bin/env bash
# The views are plain rows that any SQLite reader sees while the aggregator runs and takes batches; they say what query says.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "skipped: no sqlite3" && exit 77; }
city east west
start_aggregator
sql() { sqlite3 -readonly -csv data/suanpan.db "$1" >last.out 2>last.err; status=$?; }
shows() { # what, SQL ; the rows on standard input appear within 5 s
    cat >wanted.txt
    same() { sql "$1" && tr -d '\r' <last.out | diff -q wanted.txt - >/dev/null; }
    wait_for 5 "$1" same "$2"
    say "$1"
}
{ echo element,unit,period,value && echo homes,a1,2020-01,12 && echo homes,a2,2020-01,30; } | put east jan.csv
collect east
expect_status 0
shows "a figure is a row about a second after its batch" \
    "SELECT unit,period,value,value_units,value_scale,reported,expected,flag FROM v_figures WHERE code='homes' AND unit IN ('A','C') AND kind='element' ORDER BY unit, period" <<CSV
A,2020,42,42,0,2,24,partial
A,2020-01,42,42,0,2,2,complete
A,2020-Q1,42,42,0,2,6,partial
C,2020,42,42,0,2,36,partial
C,2020-01,42,42,0,2,3,partial
C,2020-Q1,42,42,0,2,9,partial
CSV
{ echo element,unit,period,value,status && echo homes,a1,2020-01,,X; } | put east take-back.csv
collect east
shows "a retraction takes it back there too" \
    "SELECT period,value FROM v_figures WHERE code='homes' AND unit='A' AND kind='element' AND period='2020-01'" <<CSV
2020-01,30
CSV
say "now it is read again and again while batches come"
( while :; do sqlite3 -readonly data/suanpan.db "SELECT count(*), sum(value_units) FROM v_figures" >/dev/null 2>>reader.err || echo broken >>reader.err; done ) & reader=$!
background_pids=$reader
for i in 1 2 3 4 5 6 7 8; do
    { echo element,unit,period,value && echo "homes,b1,2020-0$i,$i"; } | put west $i.csv
    collect west
    expect_status 0 "batch $i while somebody reads"
done
kill $reader; wait $reader 2>/dev/null; background_pids=''
[ ! -s reader.err ] || { cat reader.err && fail "the reader was disturbed"; }
shows "eight batches later" \
    "SELECT value FROM v_figures WHERE code='homes' AND unit='B' AND kind='element' AND period='2020'" <<CSV
36
CSV
ask query --period 2020 --level district
cut -d, -f1,2,5,8,9,10 last.out | tail -n +2 | sort >by-query.txt
sql "SELECT code,unit,value,reported,expected,flag FROM v_figures WHERE kind='indicator' AND level='district' AND period='2020'"
tr -d '\r' <last.out | sort >by-sql.txt
diff by-query.txt by-sql.txt || fail "query and v_figures differ"
say "query and v_figures agree"
sql "SELECT goal, unit, op, value, status FROM v_goals ORDER BY goal"
[ -s last.out ] || fail "no goals in v_goals"
ask progress && cut -d, -f1,3,5,6,11 last.out | tail -n +2 | sort >by-query.txt
sql "SELECT goal, unit, op, value, status FROM v_goals"
tr -d '\r' <last.out | sort | diff by-query.txt - || fail "progress and v_goals differ"
say "progress and v_goals agree"
shows "reports are counted: one is owed, and not complete without its fee" \
    "SELECT unit, period, reports_expected, reports_received FROM v_reports WHERE unit='B' AND period='2020-08'" <<CSV
B,2020-08,1,0
CSV
kill_aggregator
start_aggregator
{ echo element,unit,period,value && echo "homes,b1,2020-09,100"; } | put west 9.csv
collect west
shows "after a kill it goes on where it was" \
    "SELECT value FROM v_figures WHERE code='homes' AND unit='B' AND kind='element' AND period='2020'" <<CSV
136
CSV
sleep 1
"$BIN/suanpan" -c aggregator.yaml --lang en --format csv verify --full >last.out || { cat last.out && fail "verify --full"; }
expect_in last.out '^published,ok,[1-9]' "every published row is what the ledger says"

say "a column altered behind its back is found, whichever it is"
stop_aggregator
cp data/suanpan.db whole.db
for change in "value = '9'" "value_units = value_units + 1" "value_scale = value_scale + 1" "unit_name = 'x'" "name = 'x'" \
    "level = 'x'" "period_kind = 'x'" "first_day = '2019-01-01'" "last_day = '2019-01-01'" "reported = reported + 1" "flag = 'overflow'"; do
    cp whole.db data/suanpan.db
    sqlite3 data/suanpan.db "UPDATE published_figures SET $change WHERE code = 'homes' AND unit = 'B' AND period = '2020'" || fail "$change"
    "$BIN/suanpan" -c aggregator.yaml --lang en --format csv verify --full >last.out 2>last.err && fail "not found: $change"
    expect_in last.out '^published,bad,[1-9]' "$change"
done
cp whole.db data/suanpan.db
