PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO meta VALUES(1,X'caa1c402d15eaa1bb1fa62484b60d6ed','west',3,3,X'c8ba1713d2a8d2db0ecf5df123e095f8bdcaf0d09b0fe885cf2552f8d103a7fb',2,0,1);
CREATE TABLE manifest (
    id           INTEGER PRIMARY KEY,
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    file         TEXT NOT NULL,          -- name as delivered
    taken_at     INTEGER NOT NULL,       -- Unix ms
    records      INTEGER NOT NULL,
    refused      INTEGER NOT NULL,       -- rows refused
    first_batch  INTEGER NOT NULL,       -- its batches, 0 and 0 when it has none on the way
    last_batch   INTEGER NOT NULL,
    path_done    TEXT NOT NULL DEFAULT '', -- where the file lies now
    path_refused TEXT NOT NULL DEFAULT ''  -- its <file>.refused.csv, when it has one
) STRICT;
INSERT INTO manifest VALUES(1,X'41af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50','01.csv',1610148978117,2,0,1,1,'@PLACE@/inbox/west/done/01.csv','');
INSERT INTO manifest VALUES(2,X'9ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6','02.csv',1610148978157,1,1,2,2,'@PLACE@/inbox/west/done/02.csv','@PLACE@/inbox/west/02.csv.refused.csv');
INSERT INTO manifest VALUES(3,X'8ac1796c60e2f6537c7001bb453aa99d89eaafdb8578ffd87c69187302d41807','03.csv',1610148980487,1,0,3,3,'@PLACE@/inbox/west/done/03.csv','');
CREATE TABLE batch (
    seq          INTEGER PRIMARY KEY,    -- from 1, gapless within an outbox
    manifest     INTEGER NOT NULL,
    chain_before BLOB NOT NULL,
    chain        BLOB NOT NULL,
    signature    BLOB NOT NULL,
    bytes        BLOB NOT NULL
) STRICT;
INSERT INTO batch VALUES(1,1,X'71c96d25b629f1315e5a0a28004df6497b3c4ea191d85b3be0f3e9a67dd3dfd5',X'ff9d8d37fca65b1b96893e8fecc08b4da9339fbaae2b8a37b117dc84aa94f732',X'93133e67cb80646ebee67fedf4bcfad41974f222b3b65f46b36485267b8c02acf7dadbf3a1e6f029d571b391eef58d8c6107c355485d4e3bfe56529f170add07',X'9f0198a630312e637376c42041af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50a67265706f7274cf00000176e45b9dc5000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8029292a5686f6d65730092a36665650291a2623191a7323032302d3031c4020004c4020100c4020100c4020804c4020100c4020100c40328bc05c400c400');
INSERT INTO batch VALUES(2,2,X'ff9d8d37fca65b1b96893e8fecc08b4da9339fbaae2b8a37b117dc84aa94f732',X'ef8257027f90259925caef2bd504872761fd3e1f7bdf1f1a9587afa7856de731',X'8b8c1ada597b0a2b03c161db8fe530b4617eb052ae45209c5e0ffabd3a92df5346674ea2fd9c5d530901e215f3d4b9bdf02c158e0b4e2c9602b02601ab49770d',X'9f0198a630322e637376c4209ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6a67265706f7274cf00000176e45b9ded000101c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8019192a5686f6d65730091a2623191a7323032302d3032c40100c40100c40100c40108c40100c40100c4012ac400c400');
INSERT INTO batch VALUES(3,3,X'ef8257027f90259925caef2bd504872761fd3e1f7bdf1f1a9587afa7856de731',X'c8ba1713d2a8d2db0ecf5df123e095f8bdcaf0d09b0fe885cf2552f8d103a7fb',X'6e864a35f8811bab778b17e57a6a00e270bda25f7d1ba746afed0891dcdf38f4f354c190ae5b5fe4ff483e28c630cf32bda9401cc17ce5292255101729f09b06',X'9f0198a630332e637376c4208ac1796c60e2f6537c7001bb453aa99d89eaafdb8578ffd87c69187302d41807a67265706f7274cf00000176e45ba707000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8019192a5686f6d65730091a2623191a7323032302d3034c40100c40100c40100c40108c40100c40100c402c03ec400c400');
CREATE TABLE word (
    id   INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO word VALUES(1,'homes');
INSERT INTO word VALUES(2,'b1');
INSERT INTO word VALUES(3,'fee');
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
INSERT INTO known VALUES(1,146098,2,1,0,0,20);
INSERT INTO known VALUES(1,146346,2,1,0,0,21);
INSERT INTO known VALUES(1,146826,2,1,0,0,4000);
INSERT INTO known VALUES(3,146098,2,1,0,2,350);
COMMIT;
PRAGMA application_id=1397772081;
PRAGMA user_version=1;
