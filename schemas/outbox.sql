-- The collector's outbox, version 1 (user_version). One transaction a file; a batch never changes once it is cut.
-- application_id 0x53504F31 ("SPO1") and user_version are set by outbox_file.c.

CREATE TABLE meta (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    outbox   BLOB NOT NULL CHECK (length(outbox) = 16),
    agent    TEXT NOT NULL,
    epoch    INTEGER NOT NULL,           -- +1 at each open
    high     INTEGER NOT NULL,           -- highest batch ever cut, 0 when none
    chain    BLOB NOT NULL,              -- chain value after `high`
    acked    INTEGER NOT NULL,           -- highest batch the aggregator has committed
    backed   INTEGER NOT NULL,           -- highest batch in a verified backup of the aggregator
    refused  INTEGER NOT NULL            -- rows refused since the outbox was made
) STRICT;

-- Files taken, by the hash of their bytes: the same bytes are never taken twice.
CREATE TABLE manifest (
    id           INTEGER PRIMARY KEY,
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    file         TEXT NOT NULL,          -- name as delivered
    taken_at     INTEGER NOT NULL,       -- Unix ms
    records      INTEGER NOT NULL,
    refused      INTEGER NOT NULL,       -- rows refused
    first_batch  INTEGER NOT NULL,       -- its batches; 0 and 0: none on the way; -1 and -1: lost, may be taken again
    last_batch   INTEGER NOT NULL,
    path_done    TEXT NOT NULL DEFAULT '', -- where the file lies now
    path_refused TEXT NOT NULL DEFAULT ''  -- its <file>.refused.csv, when it has one
) STRICT;

CREATE TABLE batch (
    seq          INTEGER PRIMARY KEY,    -- from 1, gapless within an outbox
    manifest     INTEGER NOT NULL,
    chain_before BLOB NOT NULL,
    chain        BLOB NOT NULL,
    signature    BLOB NOT NULL,
    bytes        BLOB NOT NULL
) STRICT;

-- Codes by number, so that the last known figures stay narrow.
CREATE TABLE word (
    id   INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE
) STRICT;

-- The last accepted figure of each cell, in the order in which batches are cut.
CREATE TABLE known (
    element  INTEGER NOT NULL,           -- word
    period   INTEGER NOT NULL,           -- first day * 8 + kind
    unit     INTEGER NOT NULL,           -- word
    revision INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    decimals INTEGER NOT NULL,
    value    INTEGER NOT NULL,
    PRIMARY KEY (element, period, unit)
) STRICT, WITHOUT ROWID;
