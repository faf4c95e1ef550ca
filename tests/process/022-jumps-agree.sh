#!/usr/bin/env bash
# jump_pct of a cumulative element compares what each month added; the collector's note and the office's flag say the same.
. "$(dirname "$0")/common.sh"
city east
sed -i '1s/$/,jump_pct/; 2,$s/$/,/' catalogue/elements.csv
echo 'built,mon,累计开工,ytd,件,0,,,50' >>catalogue/elements.csv
start_aggregator

# month value reason-or-empty flagged-or-not
month() {
    printf 'element,unit,period,value,reason\nbuilt,a1,%s,%s,%s\n' "$1" "$2" "$3" | put east "$1.csv"
    collect east
    expect_status 0 "a jump is accepted"
    local noted
    noted=$(grep -c 'code=jump' last.err)
    [ "$noted" -eq "$4" ] || fail "$1=$2: the collector noted $noted jumps, expected $4"
    ask reporting --period "$1" --unit a1
    [ "$(sed -n '2s/.*,//p' last.out)" = "$4" ] || fail "$1=$2: soft_flags is not $4: $(cat last.out)"
    say "$1=$2 ${3:-without a reason}: $4 flags on both sides"
}
month 2020-01 10 '' 0
month 2020-02 20 '' 0   # added 10, as before
month 2020-03 36 '' 1   # added 16
month 2020-04 60 '' 0   # added 24: exactly 50 percent more
month 2020-05 160 集中开工 0
month 2020-06 161 '' 1  # added 1 after 100
month 2021-01 1 '' 0    # December said nothing
