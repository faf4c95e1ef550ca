#!/usr/bin/env bash
# A district works with a newer catalogue than the city: what names new elements or units waits at the district, in order, and
# both sides say why; other districts go on. It is applied as soon as the city has loaded that catalogue. A district with an
# older catalogue delivers as before, and what is no longer in the catalogue is refused to it.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
cp -r catalogue catalogue.new
echo 'beds,mon,床位,flow,张,0,0,' >>catalogue.new/elements.csv
echo 'a3,A,town,东三镇' >>catalogue.new/units.csv
report() { printf 'element,unit,period,value\n%s\n' "$3" | put "$1" "$2.csv"; }
report east jan homes,a1,2020-01,1
report east feb homes,a1,2020-02,10
sed -i 's|^catalogue: .*|catalogue: catalogue.new|' east.yaml
collect east
expect_status 0 "a newer catalogue alone is no reason to wait"
say "figures that both catalogues have are taken under either"

report east mar $'beds,a1,2020-03,7\nhomes,a1,2020-03,100'
collect east --timeout 3
expect_status 4 "what the city does not know waits"
expect_in last.err 'beds' "the collector says what is unknown there"
expect_in last.err "waits|newer" "and that its data waits"
report east apr homes,a3,2020-04,1000
collect east --timeout 3
expect_status 4 "and so does what comes after it, in order"
report west jan homes,b1,2020-01,2
collect west
expect_status 0 "another district goes on"
ask query homes --period 2020
expect "nothing of what waits is counted" <<CSV
$HEADER
homes,C,小城,2020,13,,,3,36,partial
CSV
ask alerts
expect_in last.out '^catalogue_newer\.east,catalogue_newer,open,warning,east,A,.*unknown=beds catalogue=[0-9a-f]{16}' "the office is told which catalogue to load"
ask status
expect_in last.out '^east,.*,2,0,' "status shows what waits"

stop_aggregator
rm -rf catalogue.old && mv catalogue catalogue.old && cp -r catalogue.new catalogue
start_aggregator
collect east
expect_status 0 "with the catalogue loaded all of it arrives"
ask query homes,beds --period 2020 --unit A
expect "every figure once, nothing refused" <<CSV
$HEADER
homes,A,东区,2020,1111,,,4,36,partial
beds,A,东区,2020,7,,,1,36,partial
CSV
ask alerts
grep -q '^catalogue_newer' last.out && fail "the alert is still open"
say "the alert is resolved by itself"

say "the catalogue goes on at the city: homes stay, fees go"
stop_aggregator
sed -i '/^fee,/d' catalogue/elements.csv
sed -i '/^i_fee,/d' catalogue/indicators.csv
start_aggregator
sed -i 's|^catalogue: .*|catalogue: catalogue.old|' west.yaml
report west feb $'homes,b1,2020-02,20\nfee,b1,2020-02,1.50'
collect west
expect_status 3 "an older catalogue is taken as far as it is still in force"
expect_in last.err 'refused_by_aggregator.*records=1' "what is gone is refused, not kept waiting"
ask query homes --period 2020 --unit B
expect "the rest counts" <<CSV
$HEADER
homes,B,西区,2020,22,,,2,12,partial
CSV
