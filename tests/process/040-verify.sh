#!/usr/bin/env bash
# verify and verify --full hold beside a running aggregator, after kills, corrections, refusals and a change of catalogue;
# an export proves itself with public keys alone; the first altered entry is named.
. "$(dirname "$0")/common.sh"
city east west
start_aggregator
prove() { # words : verify --full must hold
    "$BIN/suanpan" -c aggregator.yaml --lang en --format csv verify --full >last.out 2>last.err
    status=$?
    [ $status -eq 0 ] || { cat last.out last.err && fail "$1: verify --full says $status"; }
    ! grep -q ',bad,' last.out || fail "$1: a bad row under exit 0"
    say "$1"
}
for month in 01 02 03; do
    { echo element,unit,period,value && echo "homes,a1,2020-$month,1$month" && echo "homes,a2,2020-$month,7"; } | put east $month.csv
    { echo element,unit,period,value && echo "homes,b1,2020-$month,2$month"; } | put west $month.csv
    collect east && collect west
    expect_status 0
done
prove "it holds beside the running aggregator"
{ echo element,unit,period,value,revision,status && echo "homes,a1,2020-01,55,3," && echo "homes,a2,2020-02,,,X" &&
  echo "homes,a1,2020-02,9,1," && echo "homes,a1,2020-03,,,M"; } | put east correct.csv
collect east
{ echo element,unit,period,value,revision && echo "homes,a1,2020-01,56,3"; } | put east conflict.csv
collect east
expect_status 3 "a conflict is refused"
prove "after corrections, a retraction and a conflict"
kill_aggregator
prove "of the killed aggregator's store"
start_aggregator
{ echo element,unit,period,value && echo "homes,b1,2020-04,1"; } | put west april.csv
collect west
prove "after a kill and a restart"
sed -i 's/,west/,west/; /^west,/s/active/revoked/' agents.csv
sleep 2
{ echo element,unit,period,value && echo "homes,a1,2020-04,1"; } | put east april.csv
collect east
prove "after a key was revoked its old batches still hold"
stop_aggregator
prove "of the stopped store"
grep -q '^checkpoints,ok,[1-9]' last.out || fail "no checkpoint was signed at the stop"
say "a checkpoint was signed at the stop"
sums=$(grep -o 'sums [0-9a-f]*' last.out)

"$BIN/suanpan" -c aggregator.yaml ledger export exported >last.out 2>last.err || fail "ledger export"
mkdir public && cp keys/*.pub public
mv data elsewhere
"$BIN/suanpan" --lang en --format csv ledger verify exported --keys public >last.out 2>last.err
status=$?
[ $status -eq 0 ] || { cat last.out last.err && fail "ledger verify"; }
[ "$(grep -o 'sums [0-9a-f]*' last.out)" = "$sums" ] || fail "the export gives other sums than the store"
say "the export proves itself with the public keys alone and gives the same sums"
cp exported/checkpoints/*.txt .
"$BIN/suanpan" ledger verify exported --keys public --checkpoint "$(ls 0*.txt | tail -n 1)" >/dev/null || fail "with a checkpoint that was kept"
rm -r public && "$BIN/suanpan" keygen public aggregator >/dev/null
"$BIN/suanpan" --lang en --format csv ledger verify exported --keys public >last.out 2>last.err
status=$?
expect_status 1 "with keys of somebody else"
expect_in last.out '^signatures,bad,[0-9]+,1,' "other keys: the first entry is bad"
mv elsewhere data

say "now the store is altered behind its back"
cp data/suanpan.db whole.db
tamper() { # words, first bad entry, SQL
    cp whole.db data/suanpan.db
    rm -f data/suanpan.db-wal data/suanpan.db-shm
    sqlite3 data/suanpan.db "$3" || fail "$1: SQL"
    "$BIN/suanpan" -c aggregator.yaml --lang en --format csv verify >last.out 2>last.err
    status=$?
    [ $status -eq 1 ] || { cat last.out && fail "$1: exit $status"; }
    grep -q "^all,bad,[0-9]*,$2," last.out || { cat last.out && fail "$1: not entry $2"; }
    say "$1: entry $2 is named"
}
if command -v sqlite3 >/dev/null; then
    tamper "a byte of a batch" 3 "UPDATE ledger SET bytes = CAST(substr(bytes,1,length(bytes)-1) || x'7f' AS BLOB) WHERE entry = 3"
    tamper "a deleted entry" 4 "DELETE FROM ledger WHERE entry = 4"
    tamper "two entries swapped" 2 "UPDATE ledger SET entry = -2 WHERE entry = 2; UPDATE ledger SET entry = 2 WHERE entry = 3; UPDATE ledger SET entry = 3 WHERE entry = -2"
    tamper "the end cut off" 9 "DELETE FROM ledger WHERE entry >= 9"
    tamper "a refusal taken back" 8 "UPDATE ledger SET outcome = x'' WHERE entry = 8"
    tamper "a time changed" 5 "UPDATE ledger SET received_at = received_at - 1 WHERE entry = 5"
    cp whole.db data/suanpan.db
fi
