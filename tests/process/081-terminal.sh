#!/usr/bin/env bash
# What a person sees on a terminal: names, measures, states in words and colour; on a narrow one columns are left out by name
# and codes stay whole. Rows for programs keep the columns of the contract, wherever they are printed.
. "$(dirname "$0")/common.sh"
command -v script >/dev/null || { echo "no terminal to try: apt-get install bsdutils" && exit 77; }
city east
start_aggregator
{ echo element,unit,period,value; for month in 01 02 03; do echo "homes,a1,2020-$month,5"; done; } | put east q1.csv
collect east && expect_status 0

# on_terminal COLUMNS COMMAND... : what is printed there goes to last.out, colours as {31}...{0}
on_terminal() {
    local columns=$1
    shift
    TERM=xterm script -qec "stty cols $columns; '$BIN/suanpan' -c aggregator.yaml $*" /dev/null </dev/null >terminal.raw || fail "suanpan $*"
    sed 's/\x1b\[\([0-9;]*\)m/{\1}/g; s/\r$//; s/ *$//' terminal.raw >last.out
}

on_terminal 160 --lang zh progress --on 2020-04-30
expect "a wide terminal shows every column" <<'TEXT'
指标 单位    目标值 实际值 完成率% 序时应达 状态 预计值 已报/应报 截止日     责任处室 目标代码
户数 小城 >= 100 户     15    15.0       25 {31}滞后{0}     60      *3/9 2020-12-31          g_homes
TEXT
on_terminal 70 --lang zh progress --on 2020-04-30
expect "a narrow one says what it leaves out" <<'TEXT'
指标 单位    目标值 实际值 完成率% 序时应达 状态 责任处室 目标代码
户数 小城 >= 100 户     15    15.0       25 {31}滞后{0}          g_homes
（窗口较窄，未显示：预计值、已报/应报、截止日）
TEXT
on_terminal 160 --lang en alerts --on 2020-04-30
sed 's/ *$//' -i last.out
expect "an alert is a sentence, its code comes last" <<'TEXT'
severity kind         state unit name detail                                                         office since            acked by alert
{1;33}warning {0} {31}goal lagging{0} {31}open {0} 小城      户数: actual 15, expected by now 25, goal 100 (15.0% attained)        2020-04-30 00:00          goal_lagging.g_homes
TEXT
on_terminal 160 --lang zh query homes,i_fee --period 2020-Q1
expect "figures have names and measures" <<'TEXT'
指标     单位 报告期  数值 计量单位 分子 分母 已报/应报 完整性 代码
户数     小城 2020-Q1   15 户                      *3/9 {1;33}不全  {0} homes
户均费用 小城 2020-Q1                      15     *3/18 {31}缺失  {0} i_fee
TEXT
NO_COLOR=1 on_terminal 160 --lang zh progress --on 2020-04-30
grep -q '{' last.out && fail "coloured against NO_COLOR"
on_terminal 70 --format csv progress --on 2020-04-30
expect "programs get the columns of the contract on a terminal as well" <<'CSV'
goal,indicator,unit,unit_name,op,value,due,actual,attainment_pct,expected_by_now,status,forecast,required_rate,reachable,reported,expected,office
g_homes,i_homes,C,小城,>=,100,2020-12-31,15,15.0,25,lagging,60,9,no,3,9,
CSV
cp last.out contract.csv
ask progress --on 2020-04-30
expect "and anywhere else" <contract.csv
stop_aggregator
