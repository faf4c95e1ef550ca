#!/usr/bin/env bash
# A wide table without a period takes the source's: the same bytes are January's report and then February's.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
echo '    period: 2020-01' >>east.yaml
printf '单位,户数\na1,0\na2,0\n' | put east month.csv
collect east && expect_status 0
printf '单位,户数\na1,0\na2,0\n' | put east month.csv
collect east && expect_status 0
sed -i 's/period: 2020-01/period: 2020-02/' east.yaml
printf '单位,户数\na1,0\na2,0\n' | put east month.csv
collect east && expect_status 0
ask records --element homes
cut -d, -f1-6 last.out >cells.txt && mv cells.txt last.out
expect "delivered again it changes nothing, under another period it is another report" <<'CSV'
element,unit,period,value,status,revision
homes,a1,2020-01,0,A,1
homes,a1,2020-02,0,A,1
homes,a2,2020-01,0,A,1
homes,a2,2020-02,0,A,1
CSV
