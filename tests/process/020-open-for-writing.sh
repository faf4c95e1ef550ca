#!/usr/bin/env bash
# A file is taken only when complete: one that a program still holds open for writing waits, however long it pauses.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
"$BIN/suanpan-collector" --config east.yaml --lang en 2>service.log &
background_pids=$!
exec 7>inbox/east/slow.csv
printf 'element,unit,period,value\nhomes,a1,2020-01,1\nhomes,a2,2020-01,2' >&7
sleep 4 # settle_seconds is 2
[ -f inbox/east/slow.csv ] || fail "half a file was taken"
[ ! -f inbox/east/done/slow.csv ] || fail "half a file was taken"
expect_in service.log "file_later.*slow.csv" "half a file waits, and the log says why"
printf '50\nfee,a1,2020-01,3.00\n' >&7
exec 7>&-
wait_for 20 "the finished file" test -f inbox/east/done/slow.csv
enough() { ask records; [ "$(wc -l <last.out)" -eq 4 ]; }
wait_for 20 "its three records" enough
cut -d, -f1-4 last.out >cells.txt && mv cells.txt last.out
expect "the whole file counts once it is closed" <<'CSV'
element,unit,period,value
homes,a1,2020-01,1
homes,a2,2020-01,250
fee,a1,2020-01,3.00
CSV
kill $background_pids && wait $background_pids
background_pids=''

say "with --once it stays in the inbox and exit 3 says that not everything was taken"
exec 7>inbox/east/slow2.csv
printf 'element,unit,period,value\nhomes,a1,2020-02,1\n' >&7
collect east --timeout 1
expect_status 3
[ -f inbox/east/slow2.csv ] || fail "--once took half a file"
exec 7>&-
collect east
expect_status 0
[ -f inbox/east/done/slow2.csv ] || fail "the finished file was not taken"
