#!/usr/bin/env bash
# Six hundred small files wait for the aggregator and travel many in one message: one signature stands for up to 256 batches.
# Each batch is explained, exported and proved all the same, and the first altered one is named.
. "$(dirname "$0")/common.sh"
city east
files=600 most=256
for ((i = 1; i <= files; i++)); do
    printf 'element,unit,period,value\nhomes,a%d,%d-%02d,%d\n' $((i % 2 + 1)) $((2000 + i / 24)) $((i / 2 % 12 + 1)) "$i" |
        put east "$(printf '%04d.csv' "$i")"
done
collect east --timeout 1
expect_status 4 "nobody is there to receive them"
start_aggregator
collect east
expect_status 0 "all are delivered"
stop_aggregator
read -r entries signed longest <<<"$(sqlite3 -readonly -separator ' ' data/suanpan.db "
    WITH signed AS (SELECT entry, entry - lag(entry, 1, 0) OVER (ORDER BY entry) AS covers FROM ledger WHERE length(signature) = 64)
    SELECT (SELECT count(*) FROM ledger), count(*), max(covers) FROM signed")"
[ "$entries" = $files ] || fail "$entries entries"
[ "$signed" -ge $(((files + most - 1) / most)) ] && [ "$signed" -lt $((files / 20)) ] ||
    fail "$signed of $entries batches bear a signature: they did not travel together"
[ "$longest" -le $most ] || fail "one signature stands for $longest batches"
say "$signed signatures stand for $entries batches, one for up to $longest"
covered=$(sqlite3 -readonly data/suanpan.db 'SELECT min(entry) FROM ledger WHERE length(signature) = 0 AND entry > 40')

say "a batch without a signature of its own is explained"
month=$(printf '%d-%02d' $((2000 + covered / 24)) $((covered / 2 % 12 + 1))) unit=a$((covered % 2 + 1))
ask explain homes --unit $unit --period "$month"
expect_in last.out ",valid$" "its signature is the one behind it"
expect_in last.out "$(printf '%04d.csv' "$covered")" "its file is named"

say "it is exported and proved without the store"
"$BIN/suanpan" -c aggregator.yaml ledger export exported >last.out 2>last.err || fail "ledger export"
"$BIN/suanpan" --lang en --format csv ledger verify exported --keys keys >last.out 2>last.err || fail "ledger verify: $(cat last.out)"
expect_in last.out "^signatures,ok," "the export"

cp data/suanpan.db whole.db
altered() { # words, first bad entry, SQL
    cp whole.db data/suanpan.db
    sqlite3 data/suanpan.db "$3" || fail "$1: SQL"
    "$BIN/suanpan" -c aggregator.yaml --lang en --format csv verify >last.out 2>last.err && fail "$1: verify holds"
    grep -q "^all,bad,[0-9]*,$2," last.out || { cat last.out && fail "$1: not entry $2"; }
    say "$1: entry $2 is named"
}
sealing=$(sqlite3 -readonly data/suanpan.db "SELECT min(entry) FROM ledger WHERE length(signature) = 64 AND entry > $covered")
altered "a byte of a batch without a signature" "$covered" \
    "UPDATE ledger SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'7f' AS BLOB) WHERE entry = $covered"
altered "one of them taken away" "$covered" "DELETE FROM ledger WHERE entry = $covered"
altered "the signature that stands for them altered" "$sealing" \
    "UPDATE ledger SET signature = CAST(substr(signature, 1, 63) || x'00' AS BLOB) WHERE entry = $sealing"
cp whole.db data/suanpan.db
