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
INSERT INTO meta VALUES(1,X'376de5205d227925ccb210879e736276','west',3,3,X'8210e9e01b42bf95cc6a456252ff9a91e669e33134e6463b1e7e3f8237461667',2,0,1);
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
INSERT INTO manifest VALUES(1,X'41af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50','01.csv',1610148981895,2,0,1,1,'@PLACE@/inbox/west/done/01.csv','');
INSERT INTO manifest VALUES(2,X'9ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6','02.csv',1610148981987,1,1,2,2,'@PLACE@/inbox/west/done/02.csv','@PLACE@/inbox/west/02.csv.refused.csv');
INSERT INTO manifest VALUES(3,X'8ac1796c60e2f6537c7001bb453aa99d89eaafdb8578ffd87c69187302d41807','03.csv',1610148984311,1,0,3,3,'@PLACE@/inbox/west/done/03.csv','');
CREATE TABLE batch (
    seq          INTEGER PRIMARY KEY,    -- from 1, gapless within an outbox
    manifest     INTEGER NOT NULL,
    chain_before BLOB NOT NULL,
    chain        BLOB NOT NULL,
    signature    BLOB NOT NULL,
    bytes        BLOB NOT NULL
) STRICT;
INSERT INTO batch VALUES(1,1,X'926aad1a3d900dc13b8f8d366b6fd87404b82efbb36ad66acc30d196c3ac85f2',X'b069b665e9fbd51506ce40ea87c69de387aad11a5abedf51fd2a9440cb0ef83c',X'9b71dbd324ded6a18437d9808c5daf862d38f4cb40ea0c57a4d6d7ce11bf22278b4c568d9c6c7437b75d4f423e42beec16ec3c346cacc57df17b87e8affc370f',X'9f0198a630312e637376c42041af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50a67265706f7274cf00000176e45bac87000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8029292a5686f6d65730092a36665650291a2623191a7323032302d3031c4020004c4020100c4020100c4020804c4020100c4020100c40328bc05c400c400');
INSERT INTO batch VALUES(2,2,X'b069b665e9fbd51506ce40ea87c69de387aad11a5abedf51fd2a9440cb0ef83c',X'728945c71fb0258737126be6466461468ff9d859f2049156abed71b21fbcc5f7',X'96f7fe9d45f596095af2b00c07893023706c74235490256318c8ec2be97bac1484f39f8e099c23d700f27c97b756b276a079de40ae7819df7497b6b3830eb708',X'9f0198a630322e637376c4209ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6a67265706f7274cf00000176e45bace3000101c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8019192a5686f6d65730091a2623191a7323032302d3032c40100c40100c40100c40108c40100c40100c4012ac400c400');
INSERT INTO batch VALUES(3,3,X'728945c71fb0258737126be6466461468ff9d859f2049156abed71b21fbcc5f7',X'8210e9e01b42bf95cc6a456252ff9a91e669e33134e6463b1e7e3f8237461667',X'eecdc2eb5f3b007cc1099a8766c1bd11a32c4d8ca5f555c4432978d9fbf5aa3d9c0828b28d69f6c6e6645852ca403588f0b468bee6d71fb653ae54e73e42c10f',X'9f0198a630332e637376c4208ac1796c60e2f6537c7001bb453aa99d89eaafdb8578ffd87c69187302d41807a67265706f7274cf00000176e45bb5f7000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8019192a5686f6d65730091a2623191a7323032302d3034c40100c40100c40100c40108c40100c40100c402c03ec400c400');
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
