# page.sh - a browser for the process tests: what the page looks like to its reader, after its script has run.
#
#   . "$SOURCE/tests/web/page.sh"
#   need_browser                   # exits 77 with a reason when there is none
#   show URL                       # the document as the browser holds it in page.dom, what it complained about in page.log
#   text_by_id ID ; goal_row GOAL  # what the reader sees there
#
# Each look is a browser of its own with an empty profile: no cache, no address kept. It asks nobody but the page's server.

need_browser() {
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
    [ -n "$browser" ] || { echo "no browser: apt-get install chromium" && exit 77; }
}

# browse SIZE OPTIONS... URL
browse() {
    local profile code size=$1
    shift
    profile=$(mktemp -d "$PLACE/profile.XXXXXX")
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking \
        --disable-component-update --disable-sync --no-first-run --no-default-browser-check --user-data-dir="$profile" \
        --window-size="$size" --hide-scrollbars --enable-logging=stderr --virtual-time-budget=15000 "$@" 2>page.log
    code=$?
    rm -rf "$profile"
    return $code
}

# show URL : one element a line, so that grep and diff can read it.
show() {
    browse 1366,768 --dump-dom "$1" >page.raw || fail "the browser could not show $1"
    grep -q 'aria-busy="false"' page.raw || fail "the page did not finish loading $1"
    sed 's/</\n</g' page.raw | sed '/^$/d' >page.dom
}

# Lines of page.dom as text: no tags, a | after each cell, a line for each row.
plain() {
    sed 's/^<\/t[dh]>.*/|/; s/<span class="sign"[^>]*>\([^<]*\)/(\1)/; s/^<\/\(tr\|caption\)>.*/\f/; s/<[^>]*>//g; s/^ *$//' | tr -d '\n' |
        tr '\f' '\n' | sed 's/|$//; s/&gt;/>/g; s/&lt;/</g; s/&amp;/\&/g'
}

# text_by_id ID : the text in the element, up to the end tag on its level (elements of these pages with an id do not nest
# in ones of their own kind).
text_by_id() {
    local tag
    tag=$(sed -n "s/^<\([a-z0-9]*\) [^>]*id=\"$1\".*/\1/p" page.dom | head -n 1)
    [ -n "$tag" ] || fail "the page has no element with id $1"
    sed -n "/^<$tag [^>]*id=\"$1\"/,/^<\/$tag>/p" page.dom | plain | sed '$a\'
}

# goal_row GOAL : unit, goal, actual ... of the goal's row, one cell after the other with | between; the indicator and office
# stand only in the first row of an indicator.
goal_row() {
    sed -n "/^<tr [^>]*data-goal=\"$1\"/,/^<\/tr>/p" page.dom | plain
}
