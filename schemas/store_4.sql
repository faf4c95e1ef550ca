-- What user_version 4 adds: each saved block bears its seal beside its bytes, and `about` holds the sum of all seals with
-- the chain value of the ledger at the watermark. So a lost block, one of an earlier time and pages of another ledger are
-- noticed when the store is opened. Pages are worth nothing beside the ledger: those saved before are made anew from it.
DROP TABLE block;
CREATE TABLE block(
    subject TEXT NOT NULL,
    period  TEXT NOT NULL,
    block   INTEGER NOT NULL,
    seal    INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    UNIQUE(subject, period, block)
);
DELETE FROM about WHERE name = 'pages_watermark';
