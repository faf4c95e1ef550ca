-- What user_version 3 adds: what somebody else needs to prove the ledger, and figures as plain rows (plain-sql.md).

-- Who was allowed and what was in force when: the aggregator's signing key (kind 'aggregator'), the agents' (kind
-- 'agent', with the scope they may report), catalogues by their hash (kind 'catalogue'). A row holds for the entries
-- after `after`, until a later row of the same kind and key says otherwise. Chained: `hash` covers the row and the one
-- before. Never changed, never deleted.
CREATE TABLE registry(
    number  INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    key     BLOB NOT NULL,
    scope   TEXT NOT NULL,
    status  TEXT NOT NULL,
    after   INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    hash    BLOB NOT NULL
);

-- Signed points of the ledger's chain, as text (proof.h).
CREATE TABLE checkpoint(
    entry INTEGER PRIMARY KEY,
    text  TEXT NOT NULL
);

-- Figures, goals and reports as rows for other programs: read the views, the tables may change. Kept by the aggregator
-- shortly after each commit, and always possible to make anew.
CREATE TABLE published_figures(
    kind         TEXT NOT NULL,
    code         TEXT NOT NULL,
    unit         TEXT NOT NULL,
    period       TEXT NOT NULL,
    name         TEXT NOT NULL,
    unit_name    TEXT NOT NULL,
    level        TEXT NOT NULL,
    period_kind  TEXT NOT NULL,
    first_day    TEXT NOT NULL,
    last_day     TEXT NOT NULL,
    value        TEXT,
    value_units  INTEGER,
    value_scale  INTEGER NOT NULL,
    numerator    TEXT,
    denominator  TEXT,
    reported     INTEGER NOT NULL,
    expected     INTEGER NOT NULL,
    flag         TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    PRIMARY KEY(kind, code, unit, period)
) WITHOUT ROWID;
CREATE TABLE published_goals(
    goal            TEXT PRIMARY KEY,
    indicator       TEXT NOT NULL,
    unit            TEXT NOT NULL,
    unit_name       TEXT NOT NULL,
    op              TEXT NOT NULL,
    value           TEXT NOT NULL,
    due             TEXT NOT NULL,
    actual          TEXT,
    attainment_pct  TEXT,
    expected_by_now TEXT,
    status          TEXT NOT NULL,
    forecast        TEXT,
    required_rate   TEXT,
    reachable       TEXT,
    reported        INTEGER NOT NULL,
    expected        INTEGER NOT NULL,
    office          TEXT,
    judged_on       TEXT NOT NULL,
    updated_at      TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE published_reports(
    form             TEXT NOT NULL,
    unit             TEXT NOT NULL,
    period           TEXT NOT NULL,
    form_name        TEXT NOT NULL,
    unit_name        TEXT NOT NULL,
    level            TEXT NOT NULL,
    first_day        TEXT NOT NULL,
    last_day         TEXT NOT NULL,
    reports_expected INTEGER NOT NULL,
    reports_received INTEGER NOT NULL,
    reports_on_time  INTEGER NOT NULL,
    reports_clean    INTEGER NOT NULL,
    updated_at       TEXT NOT NULL,
    PRIMARY KEY(form, unit, period)
) WITHOUT ROWID;

CREATE VIEW v_figures AS
    SELECT code, kind, name, unit, unit_name, level, period, period_kind, first_day, last_day, value, value_units,
           value_scale, numerator, denominator, reported, expected, flag, updated_at
    FROM published_figures;
CREATE VIEW v_goals AS
    SELECT goal, indicator, unit, unit_name, op, value, due, actual, attainment_pct, expected_by_now, status, forecast,
           required_rate, reachable, reported, expected, office, judged_on, updated_at
    FROM published_goals;
CREATE VIEW v_reports AS
    SELECT form, form_name, unit, unit_name, level, period, first_day, last_day, reports_expected, reports_received,
           reports_on_time, reports_clean, updated_at
    FROM published_reports;
