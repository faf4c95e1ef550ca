#!/usr/bin/env bash
# security: none on both sides works on a socket of this machine, is refused on any other address, and never meets CURVE.
. "$(dirname "$0")/common.sh"
city east
echo 'security: none' >>aggregator.yaml
put east jan.csv <<'CSV'
element,unit,period,value
homes,a1,2020-01,12
homes,b1,2020-01,99
CSV
start_aggregator
collect east --timeout 3
expect_status 4 "an encrypted collector does not deliver to an unencrypted aggregator"
echo 'security: none' >>east.yaml
collect east
expect_status 3 "both without encryption: delivered, and the foreign row refused"
ask query homes --period 2020-01 --level district
expect "scope and signature count here as well" <<CSV
$HEADER
homes,A,东区,2020-01,12,,,1,2,partial
homes,B,西区,2020-01,,,,0,1,missing
CSV
endpoint=$(sed -n 's/^ *queries: *//p' aggregator.yaml | sed "s#ipc://#ipc://$PWD/#")
"$BIN/suanpan" --server "$endpoint" query homes --unit A --period 2020-01 >last.out 2>last.err
status=$?
expect_status 2 "a server without keys is not asked in vain"
grep -q -- '--key FILE.*--server-key FILE.*--security none' last.err || fail "it is not said at once what is needed"
"$BIN/suanpan" --server "$endpoint" --security none query homes --unit A --period 2020-01 >last.out 2>last.err
status=$?
expect_status 0 "asked without encryption, as both sides say"
"$BIN/suanpan" --server tcp://10.0.0.5:7422 --security none query homes >last.out 2>last.err
status=$?
expect_status 2 "no question leaves this machine unencrypted"
sed -i 's/^key: .*/key: keys\/other.key/' east.yaml
"$BIN/suanpan" keygen keys other >/dev/null
put east feb.csv <<'CSV'
element,unit,period,value
homes,a1,2020-02,77
CSV
collect east --timeout 4
expect_status 4 "batches signed with a key that is not the agent's are not taken"
ask query homes --unit A --period 2020-02
expect "and count nowhere" <<CSV
$HEADER
homes,A,东区,2020-02,,,,0,2,missing
CSV
stop_aggregator
sed -i 's#collectors: .*#collectors: tcp://0.0.0.0:'"$(free_port)"'#' aggregator.yaml
"$BIN/suanpan-aggregator" --config aggregator.yaml --lang en >refused.out 2>refused.err
status=$?
expect_status 2 "an open address without encryption"
say "an open address without encryption is a configuration error"
