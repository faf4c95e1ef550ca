#!/usr/bin/env bash
# Whatever lies in an inbox under whatever name: files are taken or refused, anything else is left alone, and nothing
# keeps the collector waiting, leads it elsewhere or breaks its log.
. "$(dirname "$0")/common.sh"
city east
start_aggregator
HEAD=element,unit,period,value
printf '%s\nhomes,a1,2020-01,1\n' $HEAD | put east "-rf.csv"
printf '%s\nhomes,a1,2020-02,2\n' $HEAD | put east $'two\nlines\x1b[2J.csv'
printf '%s\nhomes,a1,2020-03,3\n' $HEAD | put east "$(printf 'n%.0s' {1..240}).csv"
printf '%s\nhomes,a1,2020-04,x\n' $HEAD | put east '; rm -rf $HOME `id` "q".csv'
: | put east empty.csv
printf '\x7fELF\x02\0\0' | put east program.csv
printf '%s\nhomes,a1,2020-05,"5\n' $HEAD | put east unclosed.csv
mkdir inbox/east/folder.csv
mkfifo inbox/east/pipe.csv
ln -s ../../keys/east.key inbox/east/link.csv
ln -s /dev/zero inbox/east/endless.csv
mkfifo inbox/east/'; rm -rf $HOME `id` "q".csv.refused.csv'
timeout 30 "$BIN/suanpan-collector" --config east.yaml --once --lang en >last.out 2>last.err
status=$?
expect_status 3
ask records
cut -d, -f1-4 last.out >cells.txt && mv cells.txt last.out
expect "every table is taken, whatever its name" <<'CSV'
element,unit,period,value
homes,a1,2020-01,1
homes,a1,2020-02,2
homes,a1,2020-03,3
CSV
ls inbox/east/refused | grep -v reason | sort >last.out
expect "what is no table is refused whole" <<'CSV'
empty.csv
program.csv
unclosed.csv
CSV
[ -p inbox/east/pipe.csv ] && [ -d inbox/east/folder.csv ] && [ -L inbox/east/link.csv ] && [ -L inbox/east/endless.csv ] ||
    fail "something that is no file was touched"
grep -q 'not_a_number' inbox/east/*.2.refused.csv || fail "the refused row went nowhere"
say "pipes, folders and links are left alone, and the refused row found a place beside the pipe"
"$BIN/suanpan-collector" --config east.yaml --once --lang en 2>last.err # nothing new
[ "$(LC_ALL=C grep -c $'\x1b' last.err)" -eq 0 ] || fail "a name steers the terminal"

say "a link in the place of done/ leads nowhere, and the figures are there all the same"
mkdir elsewhere && rm -rf inbox/east/done && ln -s "$PLACE/elsewhere" inbox/east/done
printf '%s\nhomes,a1,2020-06,6\n' $HEAD | put east june.csv
timeout 30 "$BIN/suanpan-collector" --config east.yaml --once --timeout 2 --lang en >last.out 2>last.err
[ -z "$(ls -A elsewhere)" ] && [ -f inbox/east/june.csv ] || fail "the file followed the link"
rm inbox/east/done
collect east
expect_status 0
[ -f inbox/east/done/june.csv ] || fail "june.csv was not taken once done/ was a folder again"
ask records --period 2020-06
[ "$(wc -l <last.out)" -eq 2 ] || fail "june.csv counts other than once"

say "a pipe among the keys is no key, and keeps nobody waiting"
mkfifo keys/pipe.pub
cp agents.csv agents.before
echo 'west,B,keys/pipe.pub,active' >>agents.csv
wait_for 10 "the refused table" grep -q agents_not_reloaded aggregator.log
printf '%s\nhomes,a1,2020-07,7\n' $HEAD | put east july.csv
collect east --timeout 10
expect_status 0 "the aggregator goes on with the table it had"
mv agents.before agents.csv
