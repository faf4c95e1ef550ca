-- What the collector saw of the aggregator's ledger: checkpoints as text, at most one a role. Beside the tables of
-- outbox.sql, which it changes nothing of.

CREATE TABLE IF NOT EXISTS witness (
    role TEXT PRIMARY KEY,   -- kept, former, shown, earlier; alarm: code of a message
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
