#!/usr/bin/env bash
# What clerks put above and below a table is skipped and said so, in every layout and encoding; figures are not skipped.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
{
    printf '2020年1月城市月报,,\n填报单位：东区,,单位：户\n\n单位,报告期,户数\n'
    printf '"a1",2020-01,"1,234"\na2,2020-01,２\n合　计,,1236\n\n'
    printf '单位负责人：甲,统计负责人：乙,填表人：丙,报出日期：2020年2月5日\n注：初步数\n（盖章）\n2020年2月5日\n'
} | iconv -t GB18030 | put east wide.csv
collect east
expect_status 0 "titles, totals and signatures refuse nothing"
for code in title_skipped total_skipped signature_skipped; do expect_in last.err "code=$code" "$code is said"; done
ask query homes --period 2020-01
expect "the two rows between count" <<CSV
$HEADER
homes,C,小城,2020-01,1236,,,2,3,partial
CSV
printf '单位,报告期,户数\na9,2020-01,5\n不明：,2020-01,约7\n' | put east unknown.csv
collect east
expect_status 3 "rows with figures are refused, not skipped"
[ "$(wc -l <inbox/east/unknown.csv.refused.csv)" -eq 3 ] || fail "both rows were to be written back"
printf '单位,报告期,户数\na1,2020-02,5\n\n单位,报告期,费用\na2,2020-02,7\n' | put east two.csv
collect east
expect_status 3 "two tables in one file are refused"
expect_in inbox/east/refused/two.csv.reason.txt '^second_table$' "because the second one's figures would land under the first one's names"
