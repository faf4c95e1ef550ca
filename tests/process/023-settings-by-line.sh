#!/usr/bin/env bash
# Every mistake in a configuration stops the program with exit 2, the file, the line and the reason.
. "$(dirname "$0")/common.sh"
city east

refuses() { # file, sed script, line, word of the reason
    local program=suanpan-collector
    [ "$1" = aggregator.yaml ] && program=suanpan-aggregator
    cp "$1" good.yaml
    sed -i "$2" "$1"
    for mode in --check ''; do
        timeout 10 "$BIN/$program" --config "$1" --lang en $mode >last.out 2>last.err
        status=$?
        expect_status 2 "$1 changed by '$2'"
    done
    expect_in last.err "$1:$3(:| |$).*|$1:$3\$" "$1, line $3"
    grep -q -- "$4" last.err || fail "the reason does not name '$4'"
    mv good.yaml "$1"
}
refuses east.yaml '2s/catalogue/catalog/' 2 catalog
refuses east.yaml '2s/.*/&\n&/' 3 catalogue
refuses east.yaml '2s/: .*/:/' 2 catalogue
refuses east.yaml '2s/: .*/: [a, b]/' 2 catalogue
refuses east.yaml '2s/: /: @/' 2 token
refuses east.yaml '9s/    inbox/\t\tinbox/' 9 tab
refuses east.yaml '9s/$/\n    settle_seconds: soon/' 10 soon
refuses east.yaml '9s/$/\n    period: 2020-13/' 10 2020-13
refuses east.yaml '9s/$/\n---\nagent: b/' 10 document
refuses east.yaml 's/.*//' 1 'holds no settings'
refuses east.yaml '3s/$/\xe9/' 3 encoding
refuses aggregator.yaml '5s/$/\n  smtp: tcp:\/\/127.0.0.1:1/' 6 smtp
refuses aggregator.yaml '6s/  coll/\tcoll/' 6 tab
refuses aggregator.yaml '2s/sqlite/mysql/' 2 mysql
