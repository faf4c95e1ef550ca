-- What user_version 2 adds to store.sql: new stores run both files, older ones are given this one when next written to.

-- Named, signed points of the ledger whose figures can be printed again to the last digit. `ledger_hash` is the chain
-- value of `entry`; `figures_hash` is over the CSV of the period's figures; `signature` is the aggregator's, over all of
-- the row (see wire.md). Never changed, never deleted.
CREATE TABLE publication(
    name           TEXT PRIMARY KEY,
    period         TEXT NOT NULL,
    entry          INTEGER NOT NULL,
    ledger_hash    BLOB NOT NULL,
    published_at   INTEGER NOT NULL,
    note           TEXT NOT NULL,
    catalogue_hash BLOB NOT NULL,
    figures_hash   BLOB NOT NULL,
    signer         BLOB NOT NULL,
    signature      BLOB NOT NULL
);
