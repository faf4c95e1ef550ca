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
INSERT INTO meta VALUES(1,X'bdda812c94a989c6d5e96186c7845f9c','west',3,3,X'34fa5648d7399b4fc8dc67565cd8c4366b9d605d07b340f782a13c2b2f9a8b55',2,0,1);
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
INSERT INTO manifest VALUES(1,X'41af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50','01.csv',1610148985662,2,0,1,1,'@PLACE@/inbox/west/done/01.csv','');
INSERT INTO manifest VALUES(2,X'9ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6','02.csv',1610148985815,1,1,2,2,'@PLACE@/inbox/west/done/02.csv','@PLACE@/inbox/west/02.csv.refused.csv');
INSERT INTO manifest VALUES(3,X'8ac1796c60e2f6537c7001bb453aa99d89eaafdb8578ffd87c69187302d41807','03.csv',1610148988342,1,0,3,3,'@PLACE@/inbox/west/done/03.csv','');
CREATE TABLE batch (
    seq          INTEGER PRIMARY KEY,    -- from 1, gapless within an outbox
    manifest     INTEGER NOT NULL,
    chain_before BLOB NOT NULL,
    chain        BLOB NOT NULL,
    signature    BLOB NOT NULL,
    bytes        BLOB NOT NULL
) STRICT;
INSERT INTO batch VALUES(1,1,X'939e67a6ebeff0eb7b5c525780f28229501bf955165761a95296a96f1123c3f5',X'1f1957b36d3b9e9cda30ea449fa52b8c114ef7b5faa4717f6d556c685791d86e',X'2e76aabc9be5e5c778f969e63807f3b946e268cf986b32354eaf572d8a44dcd1c96596b136f7d485bca424bcfba749ad8c21bc961a43034f681ac3d7790a2c03',X'9f0198a630312e637376c42041af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50a67265706f7274cf00000176e45bbb3e000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8029292a5686f6d65730092a36665650291a2623191a7323032302d3031c4020004c4020100c4020100c4020804c4020100c4020100c40328bc05c400c400');
INSERT INTO batch VALUES(2,2,X'1f1957b36d3b9e9cda30ea449fa52b8c114ef7b5faa4717f6d556c685791d86e',X'dd67f91e2d61c573de741f376cbe7a875497da3edcc908c626dfa9f8683e0d77',X'9f0182920445627cde17aa8d3fa9d2063e89d93eed5a7145027de4c7d4fc72dda0e3e691bdf8bd30cf1f61aa515ff311a18a381c48f3f8283222bb38ad0f7007',X'9f0198a630322e637376c4209ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6a67265706f7274cf00000176e45bbbd7000101c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8019192a5686f6d65730091a2623191a7323032302d3032c40100c40100c40100c40108c40100c40100c4012ac400c400');
INSERT INTO batch VALUES(3,3,X'dd67f91e2d61c573de741f376cbe7a875497da3edcc908c626dfa9f8683e0d77',X'34fa5648d7399b4fc8dc67565cd8c4366b9d605d07b340f782a13c2b2f9a8b55',X'4b2f16a5f6ed528a51c00d3688d39d485ec64a7f4b7001e3d0c9656b26014682da55f50c2e8f1e5d4c6970465ef7ab53388c1f224c5fd7a2fb4c7e42c5fa3707',X'9f0198a630332e637376c4208ac1796c60e2f6537c7001bb453aa99d89eaafdb8578ffd87c69187302d41807a67265706f7274cf00000176e45bc5b6000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8019192a5686f6d65730091a2623191a7323032302d3034c40100c40100c40100c40108c40100c40100c402c03ec400c400');
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
