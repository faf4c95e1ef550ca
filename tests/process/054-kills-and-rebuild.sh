#!/usr/bin/env bash
# kill -9 of the aggregator at random moments of heavy ingest with corrections and retractions; then everything it answers is
# byte for byte what a fresh aggregator answers that was fed the same files in the same order, and what the same store
# answers after all its pages were thrown away. SEED=n replays the kills and the files.
. "$(dirname "$0")/common.sh"
command -v sqlite3 >/dev/null || { echo "needs sqlite3" && exit 77; }
RANDOM=${SEED:=$((RANDOM + 1))}
say "SEED=$SEED"
units() { # a city of 3 districts with 30 towns each
    echo code,parent,level,name_zh
    echo C,,city,小城
    for d in A B D; do
        echo "$d,C,district,${d}区"
        for n in $(seq 30); do echo "${d,,}$n,$d,town,${d}镇$n"; done
    done
}
city east west
units >catalogue/units.csv
rows() { # file: corrections and retractions of cells that are there already, without revisions
    awk -v seed="$RANDOM" -v d="$1" 'BEGIN { srand(seed); print "element,unit,period,value,status"
        for (i = 0; i < 600; i++) {
            cell = (rand() < .5 ? "homes" : "fee") "," d int(1 + rand() * 30) ",20" int(18 + rand() * 3) "-" sprintf("%02d", 1 + int(rand() * 12))
            if (seen[cell]++) continue
            roll = rand()
            if (roll < .1) print cell ",,X"
            else if (roll < .15) print cell ",,M"
            else if (cell ~ /^homes/) print cell "," int(rand() * 1000) ",A"
            else print cell "," sprintf("%d.%02d", rand() * 100000 - 50000, int(rand() * 100)) ",A"
        } }'
}
mkdir files
for i in $(seq -w 24); do rows a >"files/east.$i.csv"; rows b >"files/west.$i.csv"; done

start_aggregator
"$BIN/suanpan-collector" --config east.yaml >east.log 2>&1 & background_pids=$!
"$BIN/suanpan-collector" --config west.yaml >west.log 2>&1 & background_pids="$background_pids $!"
kills=0
for i in $(seq -w 24); do
    put east "$i.csv" <"files/east.$i.csv"
    put west "$i.csv" <"files/west.$i.csv"
    # The next file only when this one is taken: their order is what counts.
    for agent in east west; do wait_for 20 "$agent to take file $i" test -e "inbox/$agent/done/$i.csv"; done
    if [ $((RANDOM % 3)) -ne 0 ]; then
        sleep "0.$(printf '%03d' $((RANDOM % 200)))"
        kill_aggregator
        kills=$((kills + 1))
        start_aggregator
    fi
done 2>/dev/null
say "48 files, $kills kills"
ledger_has() { [ "$(sqlite3 -readonly "$1/suanpan.db" 'SELECT count(*) FROM ledger')" = 48 ]; }
wait_for 60 "everything to arrive" ledger_has data

questions() { # into a file
    : >"$1"
    local options
    for options in "--period 2018..2020" "--level town --period 2019" "--level district --period 2018..2020 --by month" \
        "--unit a7 --period 2020 --by quarter"; do
        # shellcheck disable=SC2086
        ask query homes,fee,i_homes,i_fee $options
        expect_status 0 "query $options"
        cat last.out >>"$1"
    done
    ask reporting --period 2020 --on 2021-06-30
    cut -d, -f1-4,6- last.out | sed 's/20[0-9-]*T[^,]*//' >>"$1"
    ask progress --on 2020-12-31
    cat last.out >>"$1"
}
questions survived.csv
[ "$(wc -l <survived.csv)" -gt 500 ] || fail "too little was asked"
for pid in $background_pids; do kill "$pid"; done
wait $background_pids 2>/dev/null
background_pids=''
stop_aggregator
questions stopped.csv
diff survived.csv stopped.csv || fail "the stopped store answers otherwise"

cp -r data data.survived
sqlite3 data/suanpan.db "DELETE FROM block"
questions ledger.csv
diff survived.csv ledger.csv || fail "the ledger alone answers otherwise"
say "what was killed $kills times answers as its ledger does"

rm -rf data outbox inbox
mkdir -p inbox/east inbox/west
start_aggregator
for i in $(seq -w 24); do
    put east "$i.csv" <"files/east.$i.csv"; collect east; expect_status 0 "east $i"
    put west "$i.csv" <"files/west.$i.csv"; collect west; expect_status 0 "west $i"
done
questions fresh.csv
diff survived.csv fresh.csv || fail "a fresh aggregator answers otherwise"
say "and as a fresh aggregator that was fed the same files: $(wc -l <fresh.csv) lines byte for byte"
