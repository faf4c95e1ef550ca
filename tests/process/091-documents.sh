#!/usr/bin/env bash
# The pages a newcomer reads are true: their commands run one after the other in an empty folder, links lead somewhere, and
# every code, column and key they name exists in the sources, and the sources' columns and keys in them.
. "$(dirname "$0")/common.sh"
pages="config/settings.md collectors/files.md schemas/catalogue.md"
mkdir build && ln -s "$BIN" build/bin && cp -r "$SOURCE/schemas" .
port=$(free_port)
# shellcheck disable=SC2016 # the sentence below is the script's
{
    echo 'trap '"'"'kill $(jobs -p) 2>/dev/null; wait'"'"' EXIT'
    for page in $pages; do
        sed -n '/^```sh$/,/^```$/p' "$SOURCE/$page" | grep -v '^```' | sed "s/:7420/:$port/g"
    done
} >commands.sh
timeout 120 bash -e commands.sh >commands.out 2>commands.err || { tail -n 20 commands.err && fail "the pages' commands: exit $?"; }
expect_in commands.out '^home_care_users,320481,溧阳市,2020-01,1234,1234,,1,1,complete$' "settings.md: the first figure"
expect_in commands.out '^feb.csv:3: not_a_number: ' "files.md: --dry-run names what would be refused"
expect_in commands.out ',3,not_a_number,' "files.md: the row comes back with its line and code"
expect_in commands.out '^home_care_users,320481,2020-01,1235,A,2,.*,yes$' "files.md: the correction is live"
expect_in commands.out '^home_care_users,320481,2020-02,,X,2,.*,no$' "files.md: the retraction is kept and not live"
expect_in commands.out 'parts_below_goal.*meal_points.3204' "catalogue.md: the gap is found"
expect_in commands.out '^info,partial_scope,.*meal_points.3204' "catalogue.md: and closed"
[ "$(grep -c 'parts_below_goal.*meal_points' commands.out)" -eq 1 ] || fail "the gap stands after it was closed"

for page in README.md $pages; do
    while IFS= read -r link; do
        [ -e "$SOURCE/$(dirname "$page")/$link" ] || fail "$page links to $link, which is not there"
    done < <(grep -oE '\]\([^)#: ]+\)' "$SOURCE/$page" | sed 's/^](//; s/)$//')
done
say "every link leads somewhere"

# Words in backticks that look like codes, columns or keys must stand in the sources as such.
cd "$SOURCE" || exit 1
for page in $pages; do
    while IFS= read -r word; do
        grep -qE "\"$word\"|NEEDED\([^)]*, $word\)|OPTIONAL\([^)]*, $word\)" -r schemas config collectors aggregator --include=*.c \
            --include=messages.def || fail "$page names $word, which no source knows"
    done < <(grep -oE '`[a-z]+(_[a-z]+)+`' "$page" | tr -d '`' | sort -u)
done
say "every code, column and key of the pages is in the sources"

# And what the sources read is in the pages. The counts make sure that something was found.
keys=0 columns=0 roles=0 codes=0
while IFS= read -r key; do
    grep -qE "\`((sources|listen): )?$key\`" config/settings.md || fail "settings.md lacks the key $key"
    keys=$((keys + 1))
done < <(grep -oE '(NEEDED|OPTIONAL)\(struct raw_[a-z]+, [a-z_]+\)' config/settings.c | sed 's/.*, //; s/)//' | sort -u)
while IFS= read -r column; do
    grep -q "\`$column\`" schemas/catalogue.md || fail "catalogue.md lacks the column $column"
    columns=$((columns + 1))
done < <(sed -n '/^static const struct [a-z_]*column [a-z_]*_columns\[\] = {/,/};/p' schemas/catalogue*.c | grep -oE '\{"[a-z_]+", (true|false)\}' |
    cut -d'"' -f2 | sort -u)
[ "$columns" -gt 40 ] || fail "only $columns columns were found in the sources"
while IFS= read -r column; do
    grep -q "\`$column\`" collectors/files.md || fail "files.md lacks the column $column"
    roles=$((roles + 1))
done < <(sed -n '/role_names\[COLUMN_ROLES\] = {/,/};/p' collectors/layout.c | grep -oE '\{"[a-z_]+"' | cut -d'"' -f2)
# They lie elsewhere: what delays a file, or is wrong with the machine or the ledger.
not_about_a_file='NONE|COUNT|MORE_NOTES|FILE_CHANGING|FILE_BEING_WRITTEN|UNKNOWN_FEED|CANNOT_READ|STORE_OUT_OF_ORDER|LEDGER_DAMAGED'
# Codes a report file can be refused with: whatever the collector complains with, or the aggregator's verdict on a record.
while IFS= read -r name; do
    code=$(sed -n "s/^MESSAGE($name, \"\([a-z_]*\)\".*/\1/p" schemas/messages.def)
    grep -q "\`$code\`" collectors/files.md || fail "files.md lacks the code $code"
    codes=$((codes + 1))
done < <(cat collectors/feed.c collectors/feed_report.c collectors/layout.c collectors/check.c schemas/csv.c schemas/decimal.c aggregator/apply.c |
    grep -oE 'MESSAGE_[A-Z_]+' | sed 's/^MESSAGE_//' | grep -vxE "$not_about_a_file" | sort -u)
[ "$keys" -ge 19 ] && [ "$roles" -eq 8 ] && [ "$codes" -ge 40 ] || fail "found only $keys keys, $roles roles, $codes codes"
say "every key, column and code of the sources is in the pages"
cd "$PLACE" || exit 1
