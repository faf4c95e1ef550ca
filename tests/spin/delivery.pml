/* delivery.pml - the delivery protocol as it is built (collectors/delivery.c, aggregator/session.c, outbox and store), small
 * enough for Spin to look at every order of events: losses, copies and overtaking on the way, kill -9 of either end,
 * backups and restores, a copied outbox. `run` says which bounds and which seeded faults are tried.
 *
 * A file is one batch, its content is the file's number. An outbox has an identity (`life`), a number for each batch, and
 * a chain, which here is the list of all contents up to a number, in one byte. What is in a struct `disk` survives a kill.
 * Several agents in one commit and several batches in one message are in group.pml. Bounds, all from the command line:
 *   FILES, COLLECTORS, LOSSES, COPIES, HASTE, KILLS (collector), DEATHS (aggregator), BACKUPS, RESTORES (aggregator),
 *   OUTBOX_RESTORES, LETS_GO (the collector may have let go of what no backup holds: a gap)
 * Seeded faults: FAULT_PRUNE_AT_ACK, FAULT_NO_DUPLICATE_CHECK, FAULT_NO_REBIRTH, FAULT_ACK_BEFORE_COMMIT, FAULT_NO_FENCE,
 *   FAULT_FORGETFUL_REBIRTH (what is acknowledged and in no backup is not taken into the new life), FAULT_TRUSTED_CHAIN (neither
 *   end compares chains), FAULT_WRONG_HALF (the search for the fork goes on in the
 *   half where histories agree), FAULT_MUTE_SEARCH (the collector waits for its end for ever) */
#ifndef FILES
#define FILES 3
#endif
#ifndef COLLECTORS
#define COLLECTORS 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef COPIES
#define COPIES 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef BACKUPS
#define BACKUPS 1
#endif
#ifndef RESTORES
#define RESTORES 0
#endif
#ifndef OUTBOX_RESTORES
#define OUTBOX_RESTORES 0
#endif
#ifndef LETS_GO
#define LETS_GO 0
#endif
#ifndef HASTE
#define HASTE 1 /* times that patience ends although an answer would come */
#endif
#ifndef CREDIT
#define CREDIT 2
#endif
#define LIVES 4 /* identities of outboxes */
#define DEPTH 2 /* messages on the way, each direction and collector */
#define SLOTS 4 /* numbers 1 ... 3 */

mtype = { HELLO, BATCH, GAP, PROOF, WELCOME, ACK, STALE, FENCED, NO_SESSION, PROVE, BAD_CHAIN };

typedef disk_of_collector {
    byte life;
    byte epoch;
    byte low;               /* lowest batch held */
    byte high;
    byte acked, backed;
    byte content[SLOTS];    /* by number; 0 none */
    byte taken;             /* bits: files in the manifest */
};
typedef disk_of_aggregator {
    byte epoch[LIVES];
    byte mark[LIVES];       /* watermark */
    byte chain[16];         /* life * SLOTS + number; 0: inside a gap, or nothing */
    byte known;             /* bits: files that were taken */
    byte applied[SLOTS];    /* times a file changed the figures */
};
typedef collector {
    disk_of_collector disk;
    byte session;           /* 0: none */
    bool greeted;           /* the WELCOME of this session came */
    bool parting;           /* its chain is another than here: HELD until the aggregator says where */
    byte mark, next;
};

collector here[COLLECTORS];
disk_of_collector spare;    /* backup of the outbox of collector 0 */
bool has_spare;
disk_of_aggregator there, copy;
bool has_copy;
byte copied[LIVES];         /* watermarks in the backup: what WELCOME and ACK say */
byte gone;                  /* bits: files that were written down as a gap */
byte committed[LIVES];      /* highest watermark ever committed in this generation of the store */

/* The aggregator's memory. */
byte session_number, session_life, session_owner; /* owner: whose connection */
bool serving;
byte open_mark;             /* watermark in the open group */
byte open_content;          /* content of the one batch in the open group, 0 none */
byte open_chain;            /* behind it */
bool seeking;               /* where histories part: after `agree`, at or before `differ`; the chain at `asked` was asked for */
byte agree, differ, asked, lowest;
bool open_gap;

byte sessions, lives;       /* given out */
bool calm;                  /* no more accidents */
byte haste, losses, copies, kills, deaths, backups, restores, outbox_restores;

/* HELLO: session, life, epoch, high, low; BATCH: session, life, chain before, number, content; GAP: session, life, chain after, to,
 * from; PROOF: session, life, 0, number, chain */
chan up[COLLECTORS] = [DEPTH] of { mtype, byte, byte, byte, byte, byte };
/* session, watermark or number, backup watermark, chain at the watermark; the generation is left out */
chan down[COLLECTORS] = [DEPTH] of { mtype, byte, byte, byte, byte };

#define BIT(f) (1 << (f))
#define AT(l, s) there.chain[(l) * SLOTS + (s)]
#define LINK(c, s) ((c) << (2 * ((s) - 1)))
#define CHAIN(o, s) ((s >= 1 -> LINK(o.content[1], 1) : 0) + (s >= 2 -> LINK(o.content[2], 2) : 0) + (s >= 3 -> LINK(o.content[3], 3) : 0))
#define KNOWS(o, s) (s <= o.high && s + 1 >= o.low)

#define APART(i) here[i].session = 0; here[i].greeted = false; here[i].parting = false

/* Sends, loses, or sends two of it. A full channel loses too (ZMQ_DONTWAIT), which costs nothing. */
inline post_up(to, kind, p, q, r, s, t)
{
    if
    :: full(up[to])
    :: nfull(up[to]) -> up[to]!kind, p, q, r, s, t
    :: !calm && losses < LOSSES -> losses++
    :: !calm && nfull(up[to]) && copies < COPIES -> copies++; up[to]!kind, p, q, r, s, t;
        if
        :: nfull(up[to]) -> up[to]!kind, p, q, r, s, t
        :: full(up[to])
        fi
    fi
}
inline post_down(to, kind, p, q, r, s)
{
    if
    :: full(down[to])
    :: nfull(down[to]) -> down[to]!kind, p, q, r, s
    :: !calm && losses < LOSSES -> losses++
    fi
}

/* ---- collector ------------------------------------------------------------------------------------------------------------ */

/* A new identity for all that no backup is known to hold, and for what is said to be missing or different there (`from`, 0:
 * nothing); what the aggregator has of it, it knows by the file. */
inline rebirth(i, from)
{
#ifdef FAULT_FORGETFUL_REBIRTH
    k = here[i].disk.acked + 1;
#else
    k = (here[i].disk.backed < here[i].disk.acked -> here[i].disk.backed : here[i].disk.acked) + 1;
    if
    :: from != 0 && from < k -> k = from
    :: else
    fi;
#endif
    if
    :: k < here[i].disk.low -> k = here[i].disk.low
    :: else
    fi;
    j = 1;
    do
    :: k <= here[i].disk.high ->
        here[i].disk.content[j] = here[i].disk.content[k]; j++; k++
    :: else -> break
    od;
    here[i].disk.high = j - 1;
    do
    :: j < SLOTS -> here[i].disk.content[j] = 0; j++
    :: else -> break
    od;
    assert(lives < LIVES);
    here[i].disk.life = lives; lives++;
    here[i].disk.low = 1; here[i].disk.acked = 0; here[i].disk.backed = 0;
    here[i].disk.epoch = 1;
    APART(i); here[i].mark = 0; here[i].next = 1;
    j = 0; k = 0
}

inline let_go(i)
{
    do
#ifdef FAULT_PRUNE_AT_ACK
    :: here[i].disk.low <= here[i].disk.acked
#else
    :: here[i].disk.low <= here[i].disk.acked && here[i].disk.low <= here[i].disk.backed
#endif
        -> here[i].disk.low++
    :: else -> break
    od
}

/* The aggregator's watermark and its chain there against what is held. */
inline heed(i, told, theirs)
{
    k = (KNOWS(here[i].disk, told) -> CHAIN(here[i].disk, told) : theirs);
    if
#ifndef FAULT_NO_REBIRTH
#ifndef FAULT_TRUSTED_CHAIN
    :: k != theirs ->
        here[i].greeted = false; here[i].parting = true;
        post_up(i, PROOF, here[i].session, here[i].disk.life, 0, told, k)
#endif
    :: told > here[i].disk.high -> rebirth(i, 0)
#endif
    :: else ->
        if
        :: !here[i].greeted || told > here[i].mark -> here[i].mark = told;
            if
            :: !here[i].greeted || here[i].next <= told -> here[i].next = told + 1
            :: else
            fi
        :: else
        fi;
        here[i].greeted = true
    fi;
    j = 0; k = 0
}

#define FREE(f) (f <= FILES && !(here[i].disk.taken & BIT(f)) && (COLLECTORS == 1 || f % COLLECTORS == i))

#define FORGET m_session = 0; m_mark = 0; m_backed = 0; m_chain = 0

proctype Collector(byte i)
{
    byte j, k, m_session, m_mark, m_backed, m_chain;
    byte file, life;
    do
    /* a file is taken, in any order; each collector has files of its own */
    :: atomic { FREE(1) || FREE(2) || FREE(3) ->
            if
            :: FREE(1) -> file = 1
            :: FREE(2) -> file = 2
            :: FREE(3) -> file = 3
            fi;
            here[i].disk.high++;
            here[i].disk.content[here[i].disk.high] = file;
            here[i].disk.taken = here[i].disk.taken | BIT(file); file = 0 }
    /* greets: no session yet, or its patience ends: too early, or when nothing else can move any more */
    :: atomic { here[i].session == 0 ->
            sessions = sessions % 200 + 1; here[i].session = sessions; here[i].greeted = false;
            post_up(i, HELLO, here[i].session, here[i].disk.life, here[i].disk.epoch, here[i].disk.high,
                    here[i].disk.low) }
    :: atomic { !calm && haste < HASTE && here[i].session != 0 -> haste++; APART(i) }
    /* an aggregator that does not find out is not waited for: histories may part anywhere */
#ifndef FAULT_MUTE_SEARCH
    :: atomic { timeout && here[i].parting -> rebirth(i, 1) }
#endif
    :: atomic { timeout && here[i].session != 0 && !here[i].parting &&
            (!here[i].greeted || here[i].disk.acked < here[i].disk.high || here[i].mark < here[i].disk.high || !serving || session_number != here[i].session) ->
            APART(i) }
    /* sends the next batch within the credit, or says what is gone */
    :: atomic { here[i].greeted && here[i].next <= here[i].disk.high && here[i].next < here[i].disk.low ->
            assert(LETS_GO);
            if
            :: here[i].next == here[i].mark + 1 ->
                j = here[i].disk.low - 1; k = CHAIN(here[i].disk, j);
                post_up(i, GAP, here[i].session, here[i].disk.life, k, j, here[i].next);
                here[i].next = here[i].disk.low
            :: else -> APART(i)
            fi; j = 0; k = 0 }
    :: atomic { here[i].greeted && here[i].next <= here[i].disk.high && here[i].next >= here[i].disk.low &&
            here[i].next <= here[i].mark + CREDIT ->
            j = here[i].next; k = CHAIN(here[i].disk, (j - 1));
            post_up(i, BATCH, here[i].session, here[i].disk.life, k, j, here[i].disk.content[j]);
            here[i].next++; j = 0; k = 0 }
    /* hears; anything of another session is dropped */
    :: atomic { down[i]?WELCOME, m_session, m_mark, m_backed, m_chain ->
            if
            :: m_session == here[i].session && !here[i].parting -> heed(i, m_mark, m_chain)
            :: else
            fi; FORGET }
    :: atomic { down[i]?ACK, m_session, m_mark, m_backed, m_chain ->
            if
            :: m_session == here[i].session && here[i].greeted && m_mark >= here[i].mark ->
                assert(restores > 0 || m_mark <= committed[here[i].disk.life]);
                life = here[i].disk.life;
                heed(i, m_mark, m_chain);
                if
                :: life == here[i].disk.life ->
                    if :: here[i].greeted && m_mark > here[i].disk.acked -> here[i].disk.acked = m_mark :: else fi;
                    if :: here[i].greeted && m_backed > here[i].disk.backed && m_backed <= here[i].disk.acked ->
                        here[i].disk.backed = m_backed :: else fi;
                    let_go(i)
                :: else
                fi
            :: else
            fi; life = 0; FORGET }
    :: atomic { down[i]?PROVE, m_session, m_mark, m_backed, m_chain ->
            if
            :: m_session == here[i].session && KNOWS(here[i].disk, m_mark) ->
                k = CHAIN(here[i].disk, m_mark);
                post_up(i, PROOF, m_session, here[i].disk.life, 0, m_mark, k)
            :: else
            fi; k = 0; FORGET }
    :: atomic { down[i]?BAD_CHAIN, m_session, m_mark, m_backed, m_chain ->
            if
            :: m_session == here[i].session && here[i].parting -> rebirth(i, m_mark)
            :: else
            fi; FORGET }
    :: atomic { down[i]?STALE, m_session, m_mark, m_backed, m_chain ->
            if
            :: m_session == here[i].session ->
#ifdef FAULT_NO_REBIRTH
                here[i].disk.epoch++; here[i].session = 0 /* goes on under the old numbers */
#else
                rebirth(i, m_mark)
#endif
            :: else
            fi; FORGET }
    :: atomic { down[i]?FENCED, m_session, m_mark, m_backed, m_chain ->
            if
            :: m_session == here[i].session -> here[i].greeted = false /* HELD; its patience ends at `timeout` */
            :: else
            fi; FORGET }
    :: atomic { down[i]?NO_SESSION, m_session, m_mark, m_backed, m_chain ->
            if
            :: m_session == here[i].session -> APART(i)
            :: else
            fi; FORGET }
    /* kill -9 and start: the epoch grows */
    :: atomic { !calm && kills < KILLS -> kills++;
            here[i].disk.epoch++; APART(i); here[i].mark = 0; here[i].next = 1 }
#if OUTBOX_RESTORES
    :: atomic { !calm && i == 0 && !has_spare -> has_spare = true;
            spare.life = here[0].disk.life; spare.epoch = here[0].disk.epoch; spare.low = here[0].disk.low;
            spare.high = here[0].disk.high; spare.acked = here[0].disk.acked; spare.backed = here[0].disk.backed;
            spare.taken = here[0].disk.taken;
            j = 1; do :: j < SLOTS -> spare.content[j] = here[0].disk.content[j]; j++ :: else -> break od; j = 0 }
    /* it comes back, and files it does not know are put into the inbox again out of done/ */
    :: atomic { !calm && i == 0 && has_spare && outbox_restores < OUTBOX_RESTORES -> outbox_restores++;
            here[0].disk.life = spare.life; here[0].disk.epoch = spare.epoch + 1; here[0].disk.low = spare.low;
            here[0].disk.high = spare.high; here[0].disk.acked = spare.acked; here[0].disk.backed = spare.backed;
            here[0].disk.taken = spare.taken;
            j = 1; do :: j < SLOTS -> here[0].disk.content[j] = spare.content[j]; j++ :: else -> break od; j = 0;
            APART(0); here[0].mark = 0; here[0].next = 1 }
#endif
    od
}

/* ---- aggregator ------------------------------------------------------------------------------------------------------------ */

inline forget()
{
    serving = false; session_number = 0; session_life = 0; session_owner = 0;
    open_mark = 0; open_content = 0; open_chain = 0; open_gap = false;
    seeking = false; agree = 0; differ = 0; asked = 0; lowest = 0
}

inline commit()
{
    if
    :: open_mark > there.mark[session_life] ->
        if
        :: open_gap ->
            there.mark[session_life] = open_mark
        :: else ->
            there.mark[session_life] = open_mark;
            if
#ifdef FAULT_NO_DUPLICATE_CHECK
            :: true ->
#else
            :: there.known & BIT(open_content)
            :: else ->
#endif
                there.applied[open_content]++;
                there.known = there.known | BIT(open_content);
                assert(there.applied[open_content] <= 1)
            fi
        fi;
        AT(session_life, open_mark) = open_chain
    :: else
    fi;
    committed[session_life] = there.mark[session_life];
    open_content = 0; open_chain = 0; open_gap = false
}

/* As session_proof: by halves, within what the collector can still show. The chains are only compared at what was committed. */
inline seek(i, at, theirs)
{
    if
    :: AT(session_life, at) == theirs -> agree = at
#ifdef FAULT_WRONG_HALF
    :: AT(session_life, at) != theirs -> agree = at; differ = (differ == 0 -> at : differ)
#else
    :: else -> differ = at
#endif
    fi;
    j = (lowest > 0 -> lowest - 1 : 0);
    if
    :: differ <= j || differ - agree <= 1 ->
        j = (differ <= j -> j + 1 : differ);
        /* this is where they part, as far as they can be compared */
        assert(here[i].session != session_number || here[i].disk.life != session_life ||
               ((j == 0 || j - 1 < here[i].disk.low || CHAIN(here[i].disk, j - 1) == AT(session_life, j - 1)) &&
                CHAIN(here[i].disk, j) != AT(session_life, j)));
        seeking = false; agree = 0; differ = 0; asked = 0;
        post_down(i, BAD_CHAIN, session_number, j, 0, 0)
    :: else ->
        seeking = true;
        asked = (agree < j -> j : agree + (differ - agree) / 2);
        post_down(i, PROVE, session_number, asked, 0, 0)
    fi;
    j = 0
}

/* All files are applied, or written down as gone. Together with `applied <= 1`: exactly once. */
#define HAS(f) (f > FILES || there.applied[f] == 1 || (gone & BIT(f)))
#define ALL (HAS(1) && HAS(2) && HAS(3))
/* Nobody waits for anything. */
#define SATISFIED(c) (here[c].greeted && here[c].disk.high > 0 && here[c].disk.acked == here[c].disk.high && here[c].mark == here[c].disk.high)
#if COLLECTORS > 1
#define REST (SATISFIED(0) && SATISFIED(1))
#else
#define REST (SATISFIED(0) && serving && session_number == here[0].session)
#endif

active proctype Aggregator()
{
    byte i, m_session, m_life, m_epoch, m_number, m_content;
    byte j;
again:
    do
    :: atomic { len(up[0]) > 0 ->
            i = 0 }
        goto hear;
#if COLLECTORS > 1
    :: atomic { len(up[1]) > 0 ->
            i = 1 }
        goto hear;
#endif
    /* the group is committed, then acknowledged */
    :: atomic { serving && open_content + open_gap > 0 ->
            commit();
            post_down(session_owner, ACK, session_number, there.mark[session_life], copied[session_life],
                      AT(session_life, there.mark[session_life])) }
    :: atomic { !calm -> calm = true }
    /* rest is the only place where nothing has to move: anything else that stops is an invalid end state to Spin */
    :: atomic { timeout && calm && REST -> assert(ALL) }
    /* kill -9: the open group is gone */
    :: atomic { !calm && deaths < DEATHS -> deaths++; forget() }
#if BACKUPS
    :: atomic { !calm && backups < BACKUPS -> backups++; has_copy = true;
            j = 0; do :: j < LIVES -> copy.epoch[j] = there.epoch[j]; copy.mark[j] = there.mark[j];
                copied[j] = there.mark[j]; j++ :: else -> break od;
            j = 0; do :: j < 16 -> copy.chain[j] = there.chain[j]; j++ :: else -> break od;
            copy.known = there.known;
            j = 0; do :: j < SLOTS -> copy.applied[j] = there.applied[j]; j++ :: else -> break od; j = 0 }
#endif
#if RESTORES
    /* to the newest backup, or to nothing when there is none */
    :: atomic { !calm && restores < RESTORES -> restores++;
            j = 0; do :: j < LIVES -> there.epoch[j] = copy.epoch[j]; there.mark[j] = copy.mark[j];
                committed[j] = copy.mark[j]; j++ :: else -> break od;
            j = 0; do :: j < 16 -> there.chain[j] = copy.chain[j]; j++ :: else -> break od;
            there.known = copy.known;
            j = 0; do :: j < SLOTS -> there.applied[j] = copy.applied[j]; j++ :: else -> break od; j = 0;
            forget() }
#endif
    od;
hear:
    atomic {
        if
        :: up[i]?HELLO, m_session, m_life, m_epoch, m_number, m_content ->
            if
#ifndef FAULT_NO_REBIRTH
#ifndef FAULT_NO_FENCE
            :: m_epoch < there.epoch[m_life] || m_number < there.mark[m_life] ->
                post_down(i, STALE, m_session, there.mark[m_life] + 1, 0, 0)
#endif
#endif
            :: else ->
                if
                :: serving && session_owner != i -> post_down(session_owner, FENCED, session_number, 0, 0, 0)
                :: else
                fi;
                forget();
                serving = true; session_number = m_session; session_life = m_life; session_owner = i;
                open_mark = there.mark[m_life]; lowest = m_content;
                if :: m_epoch > there.epoch[m_life] -> there.epoch[m_life] = m_epoch :: else fi;
                post_down(i, WELCOME, m_session, there.mark[m_life], copied[m_life], AT(m_life, there.mark[m_life]));
                /* what was committed and not told yet */
                if
                :: there.mark[m_life] > 0 -> post_down(i, ACK, m_session, there.mark[m_life], copied[m_life], AT(m_life, there.mark[m_life]))
                :: else
                fi
            fi
        :: up[i]?BATCH, m_session, m_life, m_epoch, m_number, m_content ->
            if
            :: !serving || m_session != session_number ->
                if
                :: serving && session_owner != i -> post_down(i, FENCED, m_session, 0, 0, 0)
                :: else -> post_down(i, NO_SESSION, m_session, 0, 0, 0)
                fi
            :: else ->
                if
#ifdef FAULT_NO_DUPLICATE_CHECK
                :: m_number <= open_mark && open_content == 0 && !open_gap ->
                    there.applied[m_content]++; assert(there.applied[m_content] <= 1)
#else
                :: m_number <= open_mark && open_content == 0 && !open_gap ->
                    post_down(i, ACK, m_session, there.mark[m_life], copied[m_life], AT(m_life, there.mark[m_life]))
#endif
#if defined(FAULT_TRUSTED_CHAIN) || defined(FAULT_NO_REBIRTH)
                :: m_number == open_mark + 1 && open_content == 0 && !open_gap ->
#else
                :: m_number == open_mark + 1 && open_content == 0 && !open_gap && m_epoch != AT(m_life, open_mark) ->
                    post_down(i, NO_SESSION, m_session, 0, 0, 0)
                :: m_number == open_mark + 1 && open_content == 0 && !open_gap && m_epoch == AT(m_life, open_mark) ->
#endif
                    open_mark = m_number; open_content = m_content; open_chain = m_epoch + LINK(m_content, m_number);
#ifdef FAULT_ACK_BEFORE_COMMIT
                    post_down(i, ACK, m_session, open_mark, copied[m_life], open_chain)
#endif
                :: else /* a hole, or the group is full: nothing; the collector's patience ends */
                fi
            fi
        :: up[i]?GAP, m_session, m_life, m_epoch, m_number, m_content ->
            if
            :: serving && m_session == session_number && m_content == open_mark + 1 && open_content == 0 && !open_gap ->
                j = m_content;
                do
                :: j <= m_number -> gone = gone | BIT(here[i].disk.content[j]); j++
                :: else -> break
                od; j = 0;
                open_mark = m_number; open_gap = true; open_chain = m_epoch
            :: else
            fi
        :: up[i]?PROOF, m_session, m_life, m_epoch, m_number, m_content ->
            if
            :: serving && m_session == session_number && open_content + open_gap == 0 &&
                (seeking -> m_number == asked :
                            m_number == there.mark[m_life] && m_number != 0 && AT(m_life, m_number) != m_content) ->
                seek(i, m_number, m_content)
            :: else /* lost, as far as the collector knows */
            fi
        fi;
        m_session = 0; m_life = 0; m_epoch = 0; m_number = 0; m_content = 0; i = 0
    };
    goto again
}

init {
    atomic {
        byte n;
        lives = 1; sessions = 0;
        n = 0;
        do
        :: n < COLLECTORS ->
            here[n].disk.life = 0; here[n].disk.epoch = n + 1; here[n].disk.low = 1; here[n].next = 1;
            run Collector(n); n++
        :: else -> break
        od
    }
}

ltl arrives { <>[] ALL }
