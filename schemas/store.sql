-- The aggregator's store. The ledger is the truth: every accepted batch as it was signed and sent. What follows it in
-- this file can be rebuilt from it (pages, touches) or is what the office keeps beside it (catalogue, alerts, agents).
-- user_version 1; store_N.sql holds what version N added.

-- Single facts: generation (16 random bytes), layout and watermark of the saved pages.
CREATE TABLE about(
    name  TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

-- One outbox of one agent. Its own number keeps the ledger narrow.
CREATE TABLE outbox(
    id     INTEGER PRIMARY KEY,
    agent  TEXT NOT NULL,
    outbox BLOB NOT NULL,
    UNIQUE(agent, outbox)
);

-- How far each outbox has been committed. A restored outbox shows by its epoch.
CREATE TABLE stream(
    outbox           INTEGER PRIMARY KEY REFERENCES outbox(id),
    epoch            INTEGER NOT NULL,
    watermark        INTEGER NOT NULL,
    chain            BLOB NOT NULL,
    last_received_at INTEGER NOT NULL
);

-- One row a batch, numbered from 1 without gaps. `outcome` is what the ledger chain seals beside the batch: the flag
-- "the same file was taken before" and the refused records. `bytes` comes last so that reading the rest is cheap.
CREATE TABLE ledger(
    entry       INTEGER PRIMARY KEY,
    outbox      INTEGER NOT NULL REFERENCES outbox(id),
    seq         INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    chain       BLOB NOT NULL,
    signature   BLOB NOT NULL,
    hash        BLOB NOT NULL,
    outcome     BLOB NOT NULL,
    bytes       BLOB NOT NULL,
    UNIQUE(outbox, seq)
);

-- Which entries touch a form and period; period '' stands for any period of the form.
CREATE TABLE touch(
    form   TEXT NOT NULL,
    period TEXT NOT NULL,
    entry  INTEGER NOT NULL,
    PRIMARY KEY(form, period, entry)
) WITHOUT ROWID;

-- Files all of whose parts were taken, by their hash; single parts of larger ones by their records, and by their place
-- when all before them were taken; of agents that had more than one outbox (aggregator/store_files.c).
CREATE TABLE taken(
    agent  TEXT NOT NULL,
    hash   BLOB NOT NULL,
    outbox BLOB NOT NULL,
    PRIMARY KEY(agent, hash, outbox)
) WITHOUT ROWID;

-- Blocks of the abacus' pages. A rowid table: the blobs are larger than what an index page should hold.
CREATE TABLE block(
    subject TEXT NOT NULL,
    period  TEXT NOT NULL,
    block   INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    UNIQUE(subject, period, block)
);

-- Every catalogue that was in force, the newest last; `after` is the last entry decided under the one before.
CREATE TABLE catalogue(
    version  INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL,
    after    INTEGER NOT NULL,
    saved_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
CREATE TABLE catalogue_file(
    version INTEGER NOT NULL REFERENCES catalogue(version),
    name    TEXT NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY(version, name)
);

CREATE TABLE alert(
    alert    TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    state    TEXT NOT NULL,
    severity TEXT NOT NULL,
    subject  TEXT NOT NULL,
    unit     TEXT NOT NULL,
    office   TEXT NOT NULL,
    since    INTEGER NOT NULL,
    detail   TEXT NOT NULL,
    acked_by TEXT NOT NULL,
    note     TEXT NOT NULL
);

CREATE TABLE agent(
    agent           TEXT PRIMARY KEY,
    connected       INTEGER NOT NULL,
    last_seen       INTEGER NOT NULL,
    last_submission INTEGER NOT NULL,
    backlog         INTEGER NOT NULL,
    refused         INTEGER NOT NULL,
    clock_skew_ms   INTEGER NOT NULL,
    software        TEXT NOT NULL
);
