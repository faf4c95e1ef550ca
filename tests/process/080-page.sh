#!/usr/bin/env bash
# The page in a real browser: a goal's figures and status, alerts as sentences, both languages, filters that survive a
# reload, an empty city, a wrong date; and a catalogue that tries to run a script gets it shown as text.
. "$(dirname "$0")/common.sh"
. "$SOURCE/tests/web/page.sh"
need_browser
city east west
cat >catalogue/indicators.csv <<'CSV'
indicator,name_zh,name_en,numerator,denominator,factor,decimals,better,office,section
i_homes,户数,Homes,homes,,,0,up,养老处、社事处,养老服务
i_fee,户均费用,Cost a home,fee,homes,,2,down,,养老服务
i_evil,<script>document.title='taken'</script>,,homes,,,0,up,<b>处</b>,"<img src=x onerror=""document.title='taken'"">"
CSV
cat >catalogue/goals.csv <<'CSV'
goal,indicator,unit,op,value,due,claim
g_city,i_homes,C,>=,12000,2020-12-31,table
g_text,i_homes,C,>=,11000,2020-12-31,text
g_east,i_homes,A,>=,6000,2020-12-31,table
g_west,i_homes,B,>=,6000,2020-12-31,table
g_fee,i_fee,C,<=,3,2020-12-31,
g_evil,i_evil,C,>=,1,2020-12-31,
CSV
page=127.0.0.1:$(free_port)
echo "  http: $page" >>aggregator.yaml
start_aggregator

say "before the first report"
show "http://$page/?on=2020-04-30"
[ "$(text_by_id as-of)" = 尚无数据 ] || fail "as-of of an empty city: $(text_by_id as-of)"
grep -q '^<p id="nothing-yet" data-text' page.dom || fail "an empty city does not say that nothing has arrived"
goal_row g_city >last.out
expect "goals without any figure" <<'TEXT'
户数（户）|小城（分解表）|≥ 12,000|—|—|3,000|(?)无数据|—|* 0/9|2020-12-31|养老处、社事处
TEXT

{ echo element,unit,period,value
  for month in 01 02 03; do echo "homes,a1,2020-$month,300" && echo "homes,a2,2020-$month,50" && echo "fee,a1,2020-$month,1000.00"; done
} | put east q1.csv
{ echo element,unit,period,value; for month in 01 02 03; do echo "homes,b1,2020-$month,450"; done; } | put west q1.csv
collect east && expect_status 0 && collect west && expect_status 0

say "what the page shows on 30 April"
show "http://$page/?on=2020-04-30"
[ "$(text_by_id title)" = 两区小城，流程测试用 ] || fail "title: $(text_by_id title)"
[ "$(text_by_id judged-on)" = 2020-04-30 ] || fail "judged on: $(text_by_id judged-on)"
grep -q '^<p id="nothing-yet"[^>]* hidden' page.dom || fail "it still says that nothing has arrived"
for goal in g_city g_text g_east g_west g_fee; do goal_row $goal; done >last.out
expect "a goal's figures and its status in words" <<'TEXT'
户数（户）|小城（分解表）|≥ 12,000|2,400|20.0%|3,000|(▼)滞后|9,600|9/9|2020-12-31|养老处、社事处
小城（正文）|≥ 11,000|2,400|21.8%|2,750|(▼)滞后|9,600|9/9|2020-12-31
东区|≥ 6,000|1,050|17.5%|1,500|(▼)滞后|4,200|6/6|2020-12-31
西区|≥ 6,000|1,350|22.5%|1,500|(▲)有风险|5,400|3/3|2020-12-31
户均费用|小城|≤ 3|1.25|41.7%|3.00|(✓)达标|1.25|* 12/18|2020-12-31|
TEXT
text_by_id totals >last.out
expect "the count by status" <<'TEXT'
(▼)滞后3(▲)有风险1(✓)达标2
TEXT
text_by_id alert-table >last.out
expect "alerts as sentences" <<'TEXT'
未解除的预警，严重的在前
级别|单位|事项|责任处室|起始|确认人
(!)警告|小城|(▼)滞后户数：实际 2,400 户，序时应达 3,000 户，目标 12,000 户，完成 20.0%|养老处、社事处|2020-04-30|
(!)警告|小城|(▼)滞后户数：实际 2,400 户，序时应达 2,750 户，目标 11,000 户，完成 21.8%|养老处、社事处|2020-04-30|
(!)警告|东区|(▼)滞后户数：实际 1,050 户，序时应达 1,500 户，目标 6,000 户，完成 17.5%|养老处、社事处|2020-04-30|
TEXT
ask progress --on 2020-04-30
expect "the command line says the same" <<'CSV'
goal,indicator,unit,unit_name,op,value,due,actual,attainment_pct,expected_by_now,status,forecast,required_rate,reachable,reported,expected,office
g_city,i_homes,C,小城,>=,12000,2020-12-31,2400,20.0,3000,lagging,9600,1067,no,9,9,养老处、社事处
g_text,i_homes,C,小城,>=,11000,2020-12-31,2400,21.8,2750,lagging,9600,956,no,9,9,养老处、社事处
g_east,i_homes,A,东区,>=,6000,2020-12-31,1050,17.5,1500,lagging,4200,550,no,6,6,养老处、社事处
g_west,i_homes,B,西区,>=,6000,2020-12-31,1350,22.5,1500,at_risk,5400,517,no,3,3,养老处、社事处
g_fee,i_fee,C,小城,<=,3,2020-12-31,1.25,41.7,3.00,met,1.25,0.19,,12,18,
g_evil,i_evil,C,小城,>=,1,2020-12-31,2400,240000.0,0,met,9600,0,yes,9,9,<b>处</b>
CSV

say "what the catalogue brings is text, never a part of the page"
grep -q '^<script>' page.dom && fail "a script of the catalogue is in the page"
[ "$(grep -c '^<script' page.dom)" -eq 1 ] || fail "not only the page's own script"
grep -qE '^<(img|b)[ >]' page.dom && fail "an element of the catalogue is in the page"
grep -q '^<title>taken' page.dom && fail "a script of the catalogue ran"
grep -qF "&lt;script&gt;document.title='taken'" page.dom || fail "the name is not shown as it is"
grep -i 'CONSOLE' page.log && fail "the browser complains about the page"

say "in English"
show "http://$page/?on=2020-04-30&lang=en"
grep -q '^<html lang="en"' page.dom || fail "the document does not say that it is English"
{ goal_row g_city; goal_row g_fee; text_by_id alert-table; } >last.out
expect "names, states and sentences in English" <<'TEXT'
Homes|小城 (table)|≥ 12,000|2,400|20.0%|3,000|(▼)Lagging|9,600|9/9|2020-12-31|养老处、社事处
Cost a home|小城|≤ 3|1.25|41.7%|3.00|(✓)Met|1.25|* 12/18|2020-12-31|
Open alerts, the most severe first
Severity|Unit|Matter|Office|Since|Acknowledged by
(!)Warning|小城|(▼)LaggingHomes: actual 2,400, expected by now 3,000, goal 12,000, 20.0% attained|养老处、社事处|2020-04-30|
(!)Warning|小城|(▼)LaggingHomes: actual 2,400, expected by now 2,750, goal 11,000, 21.8% attained|养老处、社事处|2020-04-30|
(!)Warning|东区|(▼)LaggingHomes: actual 1,050, expected by now 1,500, goal 6,000, 17.5% attained|养老处、社事处|2020-04-30|
TEXT
grep -q '^<td [^>]*data-label="Since"' page.dom || fail "an alert's lines have no names on a narrow screen"
grep -q '^<a id="language"[^>]*href="?on=2020-04-30&amp;lang=zh"' page.dom || fail "the way back to Chinese loses the day"

say "filters in the address"
show "http://$page/?on=2020-04-30&unit=A&office=养老处"
[ "$(grep -c '^<tr [^>]*data-goal=' page.dom)" -eq 1 ] && [ -n "$(goal_row g_east)" ] || fail "unit and office do not filter"
text_by_id shown >last.out
expect "how many are shown" <<< '显示 1 / 6 项'
show "http://$page/?on=2020-04-30&status=lagging"
grep '^<tr [^>]*data-goal=' page.dom | grep -v 'data-status="lagging"' && fail "status does not filter"
show "http://$page/?on=2020-04-30&status=missed"
grep -q '^<p id="no-goals" data-text="no_goals">' page.dom || fail "nothing says that no goal matches"

say "what goes wrong is said"
show "http://$page/?on=2020-13-77"
text_by_id trouble >last.out
grep -q '2020-13-77' last.out || fail "a wrong day is not named: $(cat last.out)"
stop_aggregator
