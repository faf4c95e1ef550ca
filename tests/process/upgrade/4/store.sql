PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE about(
    name  TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;
INSERT INTO about VALUES('generation',X'df59acc1343f069e22e114e02a12262b');
INSERT INTO about VALUES('pages_layout',X'8ddf8eb58322b231018acd4ba618f3913856857347fee51062e44033073306e4');
INSERT INTO about VALUES('pages_ledger',X'807417861a8c65cd2f6486f2dda8e6eda8743628e2a9c1112b4fb5112100e326');
INSERT INTO about VALUES('pages_seal',-7492822173543986248);
INSERT INTO about VALUES('pages_watermark',6);
INSERT INTO about VALUES('published_as_of',0);
INSERT INTO about VALUES('published_catalogue',X'451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8');
CREATE TABLE outbox(
    id     INTEGER PRIMARY KEY,
    agent  TEXT NOT NULL,
    outbox BLOB NOT NULL,
    UNIQUE(agent, outbox)
);
INSERT INTO outbox VALUES(1,'east',X'0ce20ff9c999ae8e49270327c6229117');
INSERT INTO outbox VALUES(2,'west',X'bdda812c94a989c6d5e96186c7845f9c');
CREATE TABLE stream(
    outbox           INTEGER PRIMARY KEY REFERENCES outbox(id),
    epoch            INTEGER NOT NULL,
    watermark        INTEGER NOT NULL,
    chain            BLOB NOT NULL,
    last_received_at INTEGER NOT NULL
);
INSERT INTO stream VALUES(1,4,4,X'f80abbb4858a9b1c30b10eab171b738032d99e679b79797c4ca5ddd4d6f94331',1610148986180);
INSERT INTO stream VALUES(2,2,2,X'dd67f91e2d61c573de741f376cbe7a875497da3edcc908c626dfa9f8683e0d77',1610148985923);
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
INSERT INTO ledger VALUES(1,1,1,1610148985635,X'871cfc7c1d9118fe4849f16be70b2330311823f5dcbe9b14eb16a7c6dda2f23c',X'72c12497654d3dd972f6595593016d96e1f0e9cbe9fa1d349c2cce14884a88d11134f86cc85595019322d667628912d7d03d749508b8cf9fa170d1c4e3304802',X'c3fbba2688e34c187463fafffb7046f10b730614d731a91b83c7d1d83db5ba6e',X'',X'9f0198a630312e637376c420ae40a63e0a70296af8bf81811ed15d5580b8d8f97cf950713fe7a2d8556f3e8aa67265706f7274cf00000176e45bbb1d000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8039292a5686f6d65730092a36665650292a26131a2613291a7323032302d3031c403010004c403000402c4020101c403090002c4020101c4020101c404160efa01c400c400');
INSERT INTO ledger VALUES(2,2,1,1610148985666,X'1f1957b36d3b9e9cda30ea449fa52b8c114ef7b5faa4717f6d556c685791d86e',X'2e76aabc9be5e5c778f969e63807f3b946e268cf986b32354eaf572d8a44dcd1c96596b136f7d485bca424bcfba749ad8c21bc961a43034f681ac3d7790a2c03',X'239bddbac7598abaa85ad407be9b833cc3427141030190d0768e2a8f08529fc6',X'',X'9f0198a630312e637376c42041af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50a67265706f7274cf00000176e45bbb3e000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8029292a5686f6d65730092a36665650291a2623191a7323032302d3031c4020004c4020100c4020100c4020804c4020100c4020100c40328bc05c400c400');
INSERT INTO ledger VALUES(3,1,2,1610148985792,X'f3eb1b047f7d9a73d5335f3d1959eb6786c8b74975d6ee98bf86f7e4e1cb1131',X'3723e1ff644efe3a8774d1735a1ea565c7b1e9b1ac07f717764597550dec3abd15bd61945a6358d37d276fde39e1544ad17f18804ce51f1d0b7a7c86cd10a80e',X'7f20a8d060fc8a05b949d34650bc720b68725c43ede37d33e9e70a18e3552a45',X'',X'9f0198a630322e637376c4206ac186d3d835e874f3389c77ef0b8c62d64bdd9667cd8e9ca55fc0be644d1f5da67265706f7274cf00000176e45bbb59000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8039292a5686f6d65730092a36665650292a26131a2613292a7323032302d3031a7323032302d3032c403010004c403010004c403000400c4030c0208c4020101c4020101c4041418ce0fc400c409000006e69bb4e6ada3');
INSERT INTO ledger VALUES(4,2,2,1610148985923,X'dd67f91e2d61c573de741f376cbe7a875497da3edcc908c626dfa9f8683e0d77',X'9f0182920445627cde17aa8d3fa9d2063e89d93eed5a7145027de4c7d4fc72dda0e3e691bdf8bd30cf1f61aa515ff311a18a381c48f3f8283222bb38ad0f7007',X'11161767bcd26e63e7a17e998a639c01deadd4da6b2604bf27681d820f1b12bc',X'',X'9f0198a630322e637376c4209ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6a67265706f7274cf00000176e45bbbd7000101c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8019192a5686f6d65730091a2623191a7323032302d3032c40100c40100c40100c40108c40100c40100c4012ac400c400');
INSERT INTO ledger VALUES(5,1,3,1610148986052,X'26a0de2cdc8690b09d4f9b20db73c5dc0654b1c796b7110e7b858c6d17b6b1a4',X'c8c093123564b93d92bc602ed2e443b81916d53246eb33643a89bc94a3bbdd5bc312f97ef65c6df9a2902efa182e4695be9f51ef5ae2aecf6810e5990f5ec107',X'39210ff92505937a9942ea4721e3649475c08e38874b2df990baf9da0e73c32e',X'',X'9f0198a630332e637376c4206fd4674469ab71ce841c231d75638e4157ed21f314f44510e80589917439e538a67265706f7274cf00000176e45bbc5a000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8029192a5686f6d65730092a26132a2613192a7323032302d3031a7323032302d3033c4020100c4020004c4020004c4020804c4020014c4021816c402001ac400c409000006e692a4e59b9e');
INSERT INTO ledger VALUES(6,1,4,1610148986180,X'f80abbb4858a9b1c30b10eab171b738032d99e679b79797c4ca5ddd4d6f94331',X'a189d7551887cacb5c236b591779c5eed4decdf9f1fe35ab8dd535824fa9f03bb93a7474f16916a43d37b325a66cfc58c79e652cb8d14cc415a17e1f59ccf509',X'807417861a8c65cd2f6486f2dda8e6eda8743628e2a9c1112b4fb5112100e326',X'000109666f7262696464656e0100',X'9f0198a630342e637376c4200f26743e7d998bbe2f51d0d1b752da313bc5bbb01079b8047953b2ae16a6ef80a67265706f7274cf00000176e45bbcdb000100c420451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8029192a5686f6d65730092a26231a2613192a7323032302d3031a7323032302d3033c4020100c4020004c4020004c4020c02c4020010c4020100c40302c601c400c400');
CREATE TABLE touch(
    form   TEXT NOT NULL,
    period TEXT NOT NULL,
    entry  INTEGER NOT NULL,
    PRIMARY KEY(form, period, entry)
) WITHOUT ROWID;
INSERT INTO touch VALUES('mon','',1);
INSERT INTO touch VALUES('mon','',2);
INSERT INTO touch VALUES('mon','',3);
INSERT INTO touch VALUES('mon','',4);
INSERT INTO touch VALUES('mon','',5);
INSERT INTO touch VALUES('mon','',6);
INSERT INTO touch VALUES('mon','2020-01',1);
INSERT INTO touch VALUES('mon','2020-01',2);
INSERT INTO touch VALUES('mon','2020-01',3);
INSERT INTO touch VALUES('mon','2020-01',5);
INSERT INTO touch VALUES('mon','2020-01',6);
INSERT INTO touch VALUES('mon','2020-02',3);
INSERT INTO touch VALUES('mon','2020-02',4);
INSERT INTO touch VALUES('mon','2020-03',5);
INSERT INTO touch VALUES('mon','2020-03',6);
CREATE TABLE taken(
    agent  TEXT NOT NULL,
    hash   BLOB NOT NULL,
    outbox BLOB NOT NULL,
    PRIMARY KEY(agent, hash, outbox)
) WITHOUT ROWID;
INSERT INTO taken VALUES('east',X'0f26743e7d998bbe2f51d0d1b752da313bc5bbb01079b8047953b2ae16a6ef80',X'0ce20ff9c999ae8e49270327c6229117');
INSERT INTO taken VALUES('east',X'6ac186d3d835e874f3389c77ef0b8c62d64bdd9667cd8e9ca55fc0be644d1f5d',X'0ce20ff9c999ae8e49270327c6229117');
INSERT INTO taken VALUES('east',X'6fd4674469ab71ce841c231d75638e4157ed21f314f44510e80589917439e538',X'0ce20ff9c999ae8e49270327c6229117');
INSERT INTO taken VALUES('east',X'ae40a63e0a70296af8bf81811ed15d5580b8d8f97cf950713fe7a2d8556f3e8a',X'0ce20ff9c999ae8e49270327c6229117');
INSERT INTO taken VALUES('west',X'41af223c964ea9ae8117c40371b7be12a03c736a55ff1079be63ff5155b4ae50',X'bdda812c94a989c6d5e96186c7845f9c');
INSERT INTO taken VALUES('west',X'9ae1a5f226a38f4fe59b9eecbe68e9f5ec0beab087452718dcde0e67e75479a6',X'bdda812c94a989c6d5e96186c7845f9c');
CREATE TABLE catalogue(
    version  INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL,
    after    INTEGER NOT NULL,
    saved_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
INSERT INTO catalogue VALUES(1,X'451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8',0,'2021-01-08T23:36:25Z');
CREATE TABLE catalogue_file(
    version INTEGER NOT NULL REFERENCES catalogue(version),
    name    TEXT NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY(version, name)
);
INSERT INTO catalogue_file VALUES(1,'datapackage.json',X'7b0a2020226e616d65223a202274776f2d646973747269637473222c0a2020227469746c65223a2022e4b8a4e58cbae5b08fe59f8eefbc8ce6b581e7a88be6b58be8af95e794a8222c0a20202276657273696f6e223a202231222c0a20202274696d657a6f6e65223a2022417369612f5368616e67686169222c0a2020227265736f7572636573223a205b5d0a7d0a');
INSERT INTO catalogue_file VALUES(1,'units.csv',X'636f64652c706172656e742c6c6576656c2c6e616d655f7a680a432c2c636974792ce5b08fe59f8e0a412c432c64697374726963742ce4b89ce58cba0a61312c412c746f776e2ce4b89ce4b880e995870a61322c412c746f776e2ce4b89ce4ba8ce995870a422c432c64697374726963742ce8a5bfe58cba0a62312c422c746f776e2ce8a5bfe4b880e995870a');
INSERT INTO catalogue_file VALUES(1,'forms.csv',X'666f726d2c6e616d655f7a682c6672657175656e63792c6c6576656c2c6475655f646179730a6d6f6e2ce69c88e68aa52c6d6f6e74682c746f776e2c31300a');
INSERT INTO catalogue_file VALUES(1,'elements.csv',X'656c656d656e742c666f726d2c6e616d655f7a682c6b696e642c756e69745f7a682c646563696d616c732c6d696e2c6d61780a686f6d65732c6d6f6e2ce688b7e695b02c666c6f772ce688b72c302c302c0a6665652c6d6f6e2ce8b4b9e794a82c666c6f772ce585832c322c2c0a');
INSERT INTO catalogue_file VALUES(1,'indicators.csv',X'696e64696361746f722c6e616d655f7a682c6e756d657261746f722c64656e6f6d696e61746f722c666163746f722c646563696d616c732c6265747465720a695f686f6d65732ce688b7e695b02c686f6d65732c2c2c302c75700a695f6665652ce688b7e59d87e8b4b9e794a82c6665652c686f6d65732c2c322c646f776e0a');
INSERT INTO catalogue_file VALUES(1,'goals.csv',X'676f616c2c696e64696361746f722c756e69742c6f702c76616c75652c6475650a675f686f6d65732c695f686f6d65732c432c3e3d2c3130302c323032302d31322d33310a');
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
INSERT INTO alert VALUES('goal_lagging.g_homes','goal_lagging','open','warning','g_homes','C','',1610148985836,'actual=76 expected=91.7 value=100 attainment=76.0%','','');
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
INSERT INTO agent VALUES('east',0,1610148986184,1610148986180,0,1,-1,'suanpan-collector 0.1.0');
INSERT INTO agent VALUES('west',0,1610148985924,1610148985923,0,1,-2,'suanpan-collector 0.1.0');
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
INSERT INTO registry VALUES(1,'aggregator','aggregator',X'b4719784fe7e00cc652398b66ac3a9bbcc203d2ceb395b3fd73a892ec1a1a0a4','','active',0,1610148985518,X'2a9136f11b6809535cce4211699ac0c1dd24f1f07428d0cfe2136fc7628c5453');
INSERT INTO registry VALUES(2,'catalogue','two-districts',X'451d2bf58150438078bc5e134276bbc1a43883ea29dca6abdd8899479b93c0b8','','active',0,1610148985518,X'22d68c6ad9a3d149da941adc14f0d07c20cfe7b3a3853606e580adee02128b74');
INSERT INTO registry VALUES(3,'agent','east',X'aab02fb15083a6c6f35c37dcfaa5fd678e230699e77064101a1369ad31595ff5','A','active',0,1610148985518,X'd2d2a6a3ff6c28e4bbce42fb2dbb582320e600aee2facb6a341a7353769041e9');
INSERT INTO registry VALUES(4,'agent','west',X'ba60d018ffdb1aac6ef1c470637a5f4467405141455ffa081145df6d41621a74','B','active',0,1610148985518,X'bb69debd6b121cf7a165121a59d2efd7697c5001c8dadd3e40b34e38d50f3054');
CREATE TABLE checkpoint(
    entry INTEGER PRIMARY KEY,
    text  TEXT NOT NULL
);
INSERT INTO checkpoint VALUES(6,replace('suanpan-ledger/df59acc1343f069e22e114e02a12262b\n6\ngHQXhhqMZc0vZIby3ajm7ah0NijiqcERK0+1ESEA4yY=\ntime 2021-01-09T07:36:26.190+08:00\nregistry 4 u2nevWsSHPehZRIaWdLv12l8UAHI2t0+QLNOONUPMFQ=\n\n— aggregator M9WGhe7Pep9t9xPTtP4GProewr0D/ykgobLcTpfWE3ohTWmHVSYd0Ix6tnwDrPaImoJ47URbrgd/AD0r3ZVgSCVitQc=\n','\n',char(10)));
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
INSERT INTO published_figures VALUES('element','fee','A','2020','费用','东区','district','year','2020-01-01','2020-12-31','11.24',1124,2,NULL,NULL,2,24,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','A','2020-01','费用','东区','district','month','2020-01-01','2020-01-31','1.25',125,2,NULL,NULL,1,2,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','A','2020-02','费用','东区','district','month','2020-02-01','2020-02-29','9.99',999,2,NULL,NULL,1,2,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','A','2020-Q1','费用','东区','district','quarter','2020-01-01','2020-03-31','11.24',1124,2,NULL,NULL,2,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','B','2020','费用','西区','district','year','2020-01-01','2020-12-31','3.50',350,2,NULL,NULL,1,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','B','2020-01','费用','西区','district','month','2020-01-01','2020-01-31','3.50',350,2,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','B','2020-02','费用','西区','district','month','2020-02-01','2020-02-29',NULL,NULL,2,NULL,NULL,0,1,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','B','2020-Q1','费用','西区','district','quarter','2020-01-01','2020-03-31','3.50',350,2,NULL,NULL,1,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','C','2020','费用','小城','city','year','2020-01-01','2020-12-31','14.74',1474,2,NULL,NULL,3,36,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','C','2020-01','费用','小城','city','month','2020-01-01','2020-01-31','4.75',475,2,NULL,NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','C','2020-02','费用','小城','city','month','2020-02-01','2020-02-29','9.99',999,2,NULL,NULL,1,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','C','2020-Q1','费用','小城','city','quarter','2020-01-01','2020-03-31','14.74',1474,2,NULL,NULL,3,9,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a1','2020','费用','东一镇','town','year','2020-01-01','2020-12-31','1.25',125,2,NULL,NULL,1,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a1','2020-01','费用','东一镇','town','month','2020-01-01','2020-01-31','1.25',125,2,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a1','2020-02','费用','东一镇','town','month','2020-02-01','2020-02-29',NULL,NULL,2,NULL,NULL,0,1,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a1','2020-Q1','费用','东一镇','town','quarter','2020-01-01','2020-03-31','1.25',125,2,NULL,NULL,1,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a2','2020','费用','东二镇','town','year','2020-01-01','2020-12-31','9.99',999,2,NULL,NULL,1,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a2','2020-01','费用','东二镇','town','month','2020-01-01','2020-01-31',NULL,NULL,2,NULL,NULL,0,1,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a2','2020-02','费用','东二镇','town','month','2020-02-01','2020-02-29','9.99',999,2,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','a2','2020-Q1','费用','东二镇','town','quarter','2020-01-01','2020-03-31','9.99',999,2,NULL,NULL,1,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','b1','2020','费用','西一镇','town','year','2020-01-01','2020-12-31','3.50',350,2,NULL,NULL,1,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','b1','2020-01','费用','西一镇','town','month','2020-01-01','2020-01-31','3.50',350,2,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','b1','2020-02','费用','西一镇','town','month','2020-02-01','2020-02-29',NULL,NULL,2,NULL,NULL,0,1,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','fee','b1','2020-Q1','费用','西一镇','town','quarter','2020-01-01','2020-03-31','3.50',350,2,NULL,NULL,1,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','A','2020','户数','东区','district','year','2020-01-01','2020-12-31','29',29,0,NULL,NULL,3,24,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','A','2020-01','户数','东区','district','month','2020-01-01','2020-01-31','17',17,0,NULL,NULL,2,2,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','A','2020-02','户数','东区','district','month','2020-02-01','2020-02-29','12',12,0,NULL,NULL,1,2,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','A','2020-Q1','户数','东区','district','quarter','2020-01-01','2020-03-31','29',29,0,NULL,NULL,3,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','B','2020','户数','西区','district','year','2020-01-01','2020-12-31','41',41,0,NULL,NULL,2,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','B','2020-01','户数','西区','district','month','2020-01-01','2020-01-31','20',20,0,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','B','2020-02','户数','西区','district','month','2020-02-01','2020-02-29','21',21,0,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','B','2020-Q1','户数','西区','district','quarter','2020-01-01','2020-03-31','41',41,0,NULL,NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','C','2020','户数','小城','city','year','2020-01-01','2020-12-31','70',70,0,NULL,NULL,5,36,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','C','2020-01','户数','小城','city','month','2020-01-01','2020-01-31','37',37,0,NULL,NULL,3,3,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','C','2020-02','户数','小城','city','month','2020-02-01','2020-02-29','33',33,0,NULL,NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','C','2020-Q1','户数','小城','city','quarter','2020-01-01','2020-03-31','70',70,0,NULL,NULL,5,9,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a1','2020','户数','东一镇','town','year','2020-01-01','2020-12-31','22',22,0,NULL,NULL,2,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a1','2020-01','户数','东一镇','town','month','2020-01-01','2020-01-31','10',10,0,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a1','2020-02','户数','东一镇','town','month','2020-02-01','2020-02-29','12',12,0,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a1','2020-Q1','户数','东一镇','town','quarter','2020-01-01','2020-03-31','22',22,0,NULL,NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a2','2020','户数','东二镇','town','year','2020-01-01','2020-12-31','7',7,0,NULL,NULL,1,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a2','2020-01','户数','东二镇','town','month','2020-01-01','2020-01-31','7',7,0,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a2','2020-02','户数','东二镇','town','month','2020-02-01','2020-02-29',NULL,NULL,0,NULL,NULL,0,1,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','a2','2020-Q1','户数','东二镇','town','quarter','2020-01-01','2020-03-31','7',7,0,NULL,NULL,1,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','b1','2020','户数','西一镇','town','year','2020-01-01','2020-12-31','41',41,0,NULL,NULL,2,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','b1','2020-01','户数','西一镇','town','month','2020-01-01','2020-01-31','20',20,0,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','b1','2020-02','户数','西一镇','town','month','2020-02-01','2020-02-29','21',21,0,NULL,NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('element','homes','b1','2020-Q1','户数','西一镇','town','quarter','2020-01-01','2020-03-31','41',41,0,NULL,NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','A','2020','户均费用','东区','district','year','2020-01-01','2020-12-31','0.39',39,2,'11.24','29',5,48,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','A','2020-01','户均费用','东区','district','month','2020-01-01','2020-01-31','0.07',7,2,'1.25','17',3,4,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','A','2020-02','户均费用','东区','district','month','2020-02-01','2020-02-29','0.83',83,2,'9.99','12',2,4,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','A','2020-Q1','户均费用','东区','district','quarter','2020-01-01','2020-03-31','0.39',39,2,'11.24','29',5,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','B','2020','户均费用','西区','district','year','2020-01-01','2020-12-31','0.09',9,2,'3.50','41',3,24,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','B','2020-01','户均费用','西区','district','month','2020-01-01','2020-01-31','0.18',18,2,'3.50','20',2,2,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','B','2020-02','户均费用','西区','district','month','2020-02-01','2020-02-29',NULL,NULL,2,NULL,'21',1,2,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','B','2020-Q1','户均费用','西区','district','quarter','2020-01-01','2020-03-31','0.09',9,2,'3.50','41',3,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','C','2020','户均费用','小城','city','year','2020-01-01','2020-12-31','0.21',21,2,'14.74','70',8,72,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','C','2020-01','户均费用','小城','city','month','2020-01-01','2020-01-31','0.13',13,2,'4.75','37',5,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','C','2020-02','户均费用','小城','city','month','2020-02-01','2020-02-29','0.30',30,2,'9.99','33',3,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','C','2020-Q1','户均费用','小城','city','quarter','2020-01-01','2020-03-31','0.21',21,2,'14.74','70',8,18,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a1','2020','户均费用','东一镇','town','year','2020-01-01','2020-12-31','0.06',6,2,'1.25','22',3,24,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a1','2020-01','户均费用','东一镇','town','month','2020-01-01','2020-01-31','0.13',13,2,'1.25','10',2,2,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a1','2020-02','户均费用','东一镇','town','month','2020-02-01','2020-02-29',NULL,NULL,2,NULL,'12',1,2,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a1','2020-Q1','户均费用','东一镇','town','quarter','2020-01-01','2020-03-31','0.06',6,2,'1.25','22',3,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a2','2020','户均费用','东二镇','town','year','2020-01-01','2020-12-31','1.43',143,2,'9.99','7',2,24,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a2','2020-01','户均费用','东二镇','town','month','2020-01-01','2020-01-31',NULL,NULL,2,NULL,'7',1,2,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a2','2020-02','户均费用','东二镇','town','month','2020-02-01','2020-02-29',NULL,NULL,2,'9.99',NULL,1,2,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','a2','2020-Q1','户均费用','东二镇','town','quarter','2020-01-01','2020-03-31','1.43',143,2,'9.99','7',2,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','b1','2020','户均费用','西一镇','town','year','2020-01-01','2020-12-31','0.09',9,2,'3.50','41',3,24,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','b1','2020-01','户均费用','西一镇','town','month','2020-01-01','2020-01-31','0.18',18,2,'3.50','20',2,2,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','b1','2020-02','户均费用','西一镇','town','month','2020-02-01','2020-02-29',NULL,NULL,2,NULL,'21',1,2,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_fee','b1','2020-Q1','户均费用','西一镇','town','quarter','2020-01-01','2020-03-31','0.09',9,2,'3.50','41',3,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','A','2020','户数','东区','district','year','2020-01-01','2020-12-31','29',29,0,'29',NULL,3,24,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','A','2020-01','户数','东区','district','month','2020-01-01','2020-01-31','17',17,0,'17',NULL,2,2,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','A','2020-02','户数','东区','district','month','2020-02-01','2020-02-29','12',12,0,'12',NULL,1,2,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','A','2020-Q1','户数','东区','district','quarter','2020-01-01','2020-03-31','29',29,0,'29',NULL,3,6,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','B','2020','户数','西区','district','year','2020-01-01','2020-12-31','41',41,0,'41',NULL,2,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','B','2020-01','户数','西区','district','month','2020-01-01','2020-01-31','20',20,0,'20',NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','B','2020-02','户数','西区','district','month','2020-02-01','2020-02-29','21',21,0,'21',NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','B','2020-Q1','户数','西区','district','quarter','2020-01-01','2020-03-31','41',41,0,'41',NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','C','2020','户数','小城','city','year','2020-01-01','2020-12-31','70',70,0,'70',NULL,5,36,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','C','2020-01','户数','小城','city','month','2020-01-01','2020-01-31','37',37,0,'37',NULL,3,3,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','C','2020-02','户数','小城','city','month','2020-02-01','2020-02-29','33',33,0,'33',NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','C','2020-Q1','户数','小城','city','quarter','2020-01-01','2020-03-31','70',70,0,'70',NULL,5,9,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a1','2020','户数','东一镇','town','year','2020-01-01','2020-12-31','22',22,0,'22',NULL,2,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a1','2020-01','户数','东一镇','town','month','2020-01-01','2020-01-31','10',10,0,'10',NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a1','2020-02','户数','东一镇','town','month','2020-02-01','2020-02-29','12',12,0,'12',NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a1','2020-Q1','户数','东一镇','town','quarter','2020-01-01','2020-03-31','22',22,0,'22',NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a2','2020','户数','东二镇','town','year','2020-01-01','2020-12-31','7',7,0,'7',NULL,1,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a2','2020-01','户数','东二镇','town','month','2020-01-01','2020-01-31','7',7,0,'7',NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a2','2020-02','户数','东二镇','town','month','2020-02-01','2020-02-29',NULL,NULL,0,NULL,NULL,0,1,'missing','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','a2','2020-Q1','户数','东二镇','town','quarter','2020-01-01','2020-03-31','7',7,0,'7',NULL,1,3,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','b1','2020','户数','西一镇','town','year','2020-01-01','2020-12-31','41',41,0,'41',NULL,2,12,'partial','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','b1','2020-01','户数','西一镇','town','month','2020-01-01','2020-01-31','20',20,0,'20',NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','b1','2020-02','户数','西一镇','town','month','2020-02-01','2020-02-29','21',21,0,'21',NULL,1,1,'complete','2021-01-09T07:36:26.136+08:00');
INSERT INTO published_figures VALUES('indicator','i_homes','b1','2020-Q1','户数','西一镇','town','quarter','2020-01-01','2020-03-31','41',41,0,'41',NULL,2,3,'partial','2021-01-09T07:36:26.136+08:00');
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
INSERT INTO published_goals VALUES('g_homes','i_homes','C','小城','>=','100','2020-12-31',NULL,NULL,'92','no_data',NULL,NULL,NULL,0,33,NULL,'2021-01-09','2021-01-09T07:36:25.522+08:00');
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
INSERT INTO published_reports VALUES('mon','A','2020-01','月报','东区','district','2020-01-01','2020-01-31',2,1,0,1,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','A','2020-02','月报','东区','district','2020-02-01','2020-02-29',2,0,0,0,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','B','2020-01','月报','西区','district','2020-01-01','2020-01-31',1,1,0,1,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','B','2020-02','月报','西区','district','2020-02-01','2020-02-29',1,0,0,0,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','C','2020-01','月报','小城','city','2020-01-01','2020-01-31',3,2,0,2,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','C','2020-02','月报','小城','city','2020-02-01','2020-02-29',3,0,0,0,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','a1','2020-01','月报','东一镇','town','2020-01-01','2020-01-31',1,1,0,1,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','a1','2020-02','月报','东一镇','town','2020-02-01','2020-02-29',1,0,0,0,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','a2','2020-01','月报','东二镇','town','2020-01-01','2020-01-31',1,0,0,0,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','a2','2020-02','月报','东二镇','town','2020-02-01','2020-02-29',1,0,0,0,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','b1','2020-01','月报','西一镇','town','2020-01-01','2020-01-31',1,1,0,1,'2021-01-09T07:36:26.136+08:00');
INSERT INTO published_reports VALUES('mon','b1','2020-02','月报','西一镇','town','2020-02-01','2020-02-29',1,0,0,0,'2021-01-09T07:36:26.136+08:00');
CREATE TABLE block(
    subject TEXT NOT NULL,
    period  TEXT NOT NULL,
    block   INTEGER NOT NULL,
    seal    INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    UNIQUE(subject, period, block)
);
INSERT INTO block VALUES('Ehomes','2020-03',0,8679569729899520366,X'01030101c002000a001a787406aed9e4e16e');
INSERT INTO block VALUES('Efee','2020-02',0,4763809052834183326,X'0103010240000600ce0f421c731803f8b89e');
INSERT INTO block VALUES('Ehomes','2020-02',0,6384837447211663907,X'010302054001060002001812589b7fd475a9c223');
INSERT INTO block VALUES('Fmon','2020-01',0,-5339438199886439346,X'01030205400102000200c6ecddc5dc5d3eb5e6813f2b9e1c4e');
INSERT INTO block VALUES('Efee','2020-01',0,-1213581683032220429,X'01030205400102000200fa01c203ef287de39cf19cf3');
INSERT INTO block VALUES('Ehomes','2020-01',0,9151172915304911916,X'010303820100300071000600040005001413287eff7f480eecd42c');
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
COMMIT;
PRAGMA application_id=1400201582;
PRAGMA user_version=4;
