/* group.pml - what delivery.pml leaves out: two agents whose batches become durable in one commit or not at all, RUNs (several
 * batches in one message, proven by the signature of the last), one bad batch inside, credit that runs out. Histories do not
 * part here and nothing is restored; a batch's content is its number.
 *
 * A batch may be SPOILT (its bytes are not what was signed, so no signature behind it holds either) or UNREADABLE (well signed,
 * and nobody can read it). A person mends it after it was refused twice. Bounds, all from the command line:
 *   FIRST, SECOND (batches of the two agents), SPOILT, UNREADABLE (may there be one?), LOSSES, HASTE, KILLS (collectors), DEATHS
 *   (aggregator), FAILS (commits), STINGY (times that credit is 0)
 * Seeded faults: FAULT_ACK_OF_FAILED_GROUP, FAULT_HALF_ROLLBACK (the second agent's session goes on after a group that failed),
 *   FAULT_RUN_UNCHECKED (the last signature is not looked at), FAULT_TAKEN_BEHIND_BAD (a RUN goes on behind a bad batch),
 *   FAULT_END_UNSIGNED (what stands before an unreadable batch is stored without a signature that was checked),
 *   FAULT_CREDIT_IGNORED, FAULT_NEVER_ASKS (who has no credit waits for ever) */
#ifndef FIRST
#define FIRST 3
#endif
#ifndef SECOND
#define SECOND 1
#endif
#ifndef SPOILT
#define SPOILT 0
#endif
#ifndef UNREADABLE
#define UNREADABLE 0
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef HASTE
#define HASTE 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifndef STINGY
#define STINGY 0
#endif
#define AGENTS 2
#define CREDIT 3
#define DEPTH 2 /* messages on the way, each direction and agent */

mtype = { HELLO, RUN, WELCOME, ACK, NO_SESSION, BUSY, GAP_AHEAD, REFUSED };

typedef agent {
    byte session;    /* 0: none */
    bool greeted;    /* the WELCOME of this session came */
    byte mark, next, credit;
    byte acked;      /* durable */
    byte spoilt, unreadable; /* numbers; 0 none */
    bool refused;    /* once already */
};
typedef peer {       /* the aggregator's memory of an agent */
    bool serving;
    byte session;
    byte mark;       /* watermark, the open group included */
    byte proven;     /* bits: taken into the open group with a signature that was checked */
    byte taken;      /* bits: taken into the open group */
    bool touched, owes_welcome, owes_ack, gap_told;
    mtype nack;      /* 0: none owed */
    byte nack_first;
};
typedef ledger {
    byte mark;
    byte holds;      /* bits: numbers */
    byte proven;     /* bits: numbers whose signature was checked and stored */
};

agent here[AGENTS];
peer known[AGENTS];
ledger there[AGENTS];
bool calm;           /* no more accidents */
byte haste, losses, kills, deaths, fails, stingy;

/* RUN: session, first number, how many; the rest of it is known by the number */
chan up[AGENTS] = [DEPTH] of { mtype, byte, byte, byte };
/* session, watermark or number, credit */
chan down[AGENTS] = [DEPTH] of { mtype, byte, byte, byte };

#define BIT(n) (1 << (n))
#define HIGH(a) (a == 0 -> FIRST : SECOND)
#define SATISFIED(a) (here[a].greeted && here[a].acked == HIGH(a))
#define REST (SATISFIED(0) && SATISFIED(1))

inline post(channel, kind, p, q, r)
{
    if
    :: full(channel)
    :: nfull(channel) -> channel!kind, p, q, r
    :: !calm && losses < LOSSES -> losses++
    fi
}

/* ---- collector ------------------------------------------------------------------------------------------------------------ */

#define APART(a) here[a].session = 0; here[a].greeted = false; here[a].mark = 0; here[a].next = 0; here[a].credit = 0
#define OUT(a) (here[a].next - 1 - here[a].mark)
#ifdef FAULT_CREDIT_IGNORED
#define MAY_SEND(a) (OUT(a) < CREDIT)
#else
#define MAY_SEND(a) (OUT(a) < here[a].credit)
#endif

proctype Collector(byte a)
{
    byte number, m_session, m_number, m_credit;
    byte last = 0; /* session numbers given out */
    if
    :: a == 0 && SPOILT -> here[0].spoilt = 1
    :: a == 0 && SPOILT && FIRST > 1 -> here[0].spoilt = 2
    :: a == 0 && SPOILT && FIRST > 2 -> here[0].spoilt = 3
    :: a == 0 && UNREADABLE -> here[0].unreadable = 1
    :: a == 0 && UNREADABLE && FIRST > 1 -> here[0].unreadable = 2
    :: a == 0 && UNREADABLE && FIRST > 2 -> here[0].unreadable = 3
    :: true
    fi;
    do
    :: atomic { here[a].session == 0 ->
            last = last % 4 + 1; here[a].session = last;
            post(up[a], HELLO, here[a].session, 0, 0) }
    /* patience ends, too early or when nothing else can move */
    :: atomic { !calm && haste < HASTE && here[a].session != 0 -> haste++; APART(a) }
    :: atomic { timeout && here[a].session != 0 && !SATISFIED(a) && (!here[a].greeted || OUT(a) > 0 || here[a].credit > 0) -> APART(a) }
#ifndef FAULT_NEVER_ASKS
    /* THROTTLED: a HELLO of the same session asks for credit */
    :: atomic { timeout && here[a].greeted && here[a].credit == 0 && !SATISFIED(a) -> post(up[a], HELLO, here[a].session, 0, 0) }
#endif
    /* one batch, or as many as may go out */
    :: atomic { here[a].greeted && here[a].next <= HIGH(a) && MAY_SEND(a) ->
            if
            :: number = 1
            :: number = HIGH(a) - here[a].next + 1;
                if
                :: number > CREDIT - OUT(a) -> number = CREDIT - OUT(a)
                :: else
                fi
            fi;
            post(up[a], RUN, here[a].session, here[a].next, number);
            here[a].next = here[a].next + number; number = 0;
            assert(OUT(a) <= here[a].credit) }
    /* hears; anything of another session is dropped */
    :: atomic { down[a]?WELCOME, m_session, m_number, m_credit ->
            if
            :: m_session == here[a].session ->
                if
                :: !here[a].greeted -> here[a].mark = m_number; here[a].next = m_number + 1
                :: here[a].greeted && m_number > here[a].mark -> here[a].mark = m_number;
                    here[a].next = (here[a].next <= m_number -> m_number + 1 : here[a].next)
                :: else
                fi;
                here[a].greeted = true; here[a].credit = m_credit
            :: else
            fi; m_session = 0; m_number = 0; m_credit = 0 }
    :: atomic { down[a]?ACK, m_session, m_number, m_credit ->
            if
            :: m_session == here[a].session && here[a].greeted ->
                assert(m_number <= there[a].mark);
                if
                :: m_number >= here[a].mark -> here[a].mark = m_number;
                    here[a].next = (here[a].next <= m_number -> m_number + 1 : here[a].next);
                    here[a].acked = (here[a].acked < m_number -> m_number : here[a].acked)
                :: else
                fi;
                here[a].credit = m_credit
            :: else
            fi; m_session = 0; m_number = 0; m_credit = 0 }
    :: atomic { down[a]?GAP_AHEAD, m_session, m_number, m_credit ->
            if
            :: m_session == here[a].session && here[a].greeted && m_number > here[a].mark && m_number <= here[a].next ->
                here[a].next = m_number
            :: m_session == here[a].session && !(here[a].greeted && m_number > here[a].mark && m_number <= here[a].next) -> APART(a)
            :: else
            fi; m_session = 0; m_number = 0; m_credit = 0 }
    /* the first time it is tried again, then a person mends it */
    :: atomic { down[a]?REFUSED, m_session, m_number, m_credit ->
            if
            :: m_session == here[a].session ->
                assert(m_number == here[a].spoilt || m_number == here[a].unreadable);
                if
                :: here[a].refused -> here[a].spoilt = 0; here[a].unreadable = 0
                :: else -> here[a].refused = true
                fi;
                APART(a)
            :: else
            fi; m_session = 0; m_number = 0; m_credit = 0 }
    :: atomic { down[a]?NO_SESSION, m_session, m_number, m_credit ->
            if
            :: m_session == here[a].session -> APART(a)
            :: else
            fi; m_session = 0; m_number = 0; m_credit = 0 }
    :: atomic { down[a]?BUSY, m_session, m_number, m_credit ->
            if
            :: m_session == here[a].session -> APART(a)
            :: else
            fi; m_session = 0; m_number = 0; m_credit = 0 }
    :: atomic { !calm && kills < KILLS -> kills++; APART(a) }
    od
}

/* ---- aggregator ------------------------------------------------------------------------------------------------------------ */

inline lose_session(a)
{
    known[a].serving = false; known[a].session = 0; known[a].mark = 0; known[a].gap_told = false;
    known[a].owes_welcome = false; known[a].owes_ack = false; known[a].nack = 0; known[a].nack_first = 0
}

inline clear_group(a)
{
    known[a].proven = 0; known[a].taken = 0; known[a].touched = false
}

#define IN_RUN(n) (n != 0 && n >= m_number && n < m_number + m_count)
#define SIGNED(n) (here[a].spoilt == 0 || n < here[a].spoilt) /* over the chain: nothing before it is spoilt */

/* The batches of a RUN from the next one on. A good last signature proves them all, and the run ends at one that cannot be read,
 * before which one with a signature of its own has to stand. Otherwise each stands for itself, up to the first that is not
 * signed. */
inline take_run(a)
{
    n = known[a].mark + 1;
    do
    :: n < m_number + m_count ->
#ifndef FAULT_RUN_UNCHECKED
        if
        :: !SIGNED(m_number + m_count - 1) && !SIGNED(n) -> break
        :: else
        fi;
#endif
#ifdef FAULT_TAKEN_BEHIND_BAD
        if
        :: n == here[a].unreadable -> known[a].nack = REFUSED; known[a].nack_first = n; n++
        :: else
        fi;
#else
        if
        :: n == here[a].unreadable -> break
        :: else
        fi;
#endif
        known[a].mark = n; known[a].taken = known[a].taken | BIT(n); known[a].gap_told = false; known[a].owes_ack = true;
        if
        :: !SIGNED(m_number + m_count - 1) || n + 1 == m_number + m_count -> known[a].proven = known[a].proven | BIT(n)
#ifndef FAULT_END_UNSIGNED
        :: SIGNED(m_number + m_count - 1) && n + 1 < m_number + m_count && n + 1 == here[a].unreadable ->
            known[a].proven = known[a].proven | BIT(n)
#endif
        :: else
        fi;
        n++
    :: else -> break
    od;
    if
    :: n < m_number + m_count && known[a].nack == 0 ->
        known[a].nack = REFUSED; known[a].nack_first = n; known[a].gap_told = true
    :: else
    fi;
    n = 0
}

/* What is owed leaves after the commit; into a full pipe it does not, and stays owed. */
inline answer(a)
{
    if
    :: !calm && stingy < STINGY -> stingy++
    :: n = CREDIT
    fi;
    if
    :: known[a].owes_welcome && nfull(down[a]) ->
        post(down[a], WELCOME, known[a].session, known[a].mark, n); known[a].owes_welcome = false
    :: else
    fi;
    if
    :: known[a].owes_ack && !known[a].owes_welcome && nfull(down[a]) ->
        post(down[a], ACK, known[a].session, known[a].mark, n); known[a].owes_ack = false
    :: else
    fi;
    if
    :: known[a].nack == REFUSED && nfull(down[a]) ->
        post(down[a], REFUSED, known[a].session, known[a].nack_first, 0); known[a].nack = 0; known[a].nack_first = 0
    :: known[a].nack == GAP_AHEAD && nfull(down[a]) ->
        post(down[a], GAP_AHEAD, known[a].session, known[a].nack_first, 0); known[a].nack = 0; known[a].nack_first = 0
    :: else
    fi;
    n = 0
}

inline commit(a)
{
    if
    :: known[a].taken != 0 ->
        there[a].mark = known[a].mark;
        there[a].holds = there[a].holds | known[a].taken;
        there[a].proven = there[a].proven | known[a].proven;
        /* in order and without a hole; nothing that was not signed; the last one carries its own signature */
        assert(there[a].holds == BIT(there[a].mark + 1) - 2);
        assert(here[a].spoilt == 0 || !(there[a].holds & BIT(here[a].spoilt)));
        assert(there[a].proven & BIT(there[a].mark))
    :: else
    fi;
    clear_group(a)
}

/* Rolled back: every session it touched ends. */
inline abandon(a)
{
    if
    :: known[a].touched || known[a].owes_welcome ->
#ifdef FAULT_ACK_OF_FAILED_GROUP
        if
        :: known[a].taken != 0 && nfull(down[a]) -> post(down[a], ACK, known[a].session, known[a].mark, CREDIT)
        :: else
        fi;
#endif
        if
        :: known[a].serving -> post(down[a], BUSY, known[a].session, 0, 0)
        :: else
        fi;
        lose_session(a)
    :: else
    fi;
    clear_group(a)
}

#define BUSY_WITH(a) (known[a].touched || ((known[a].owes_welcome || known[a].owes_ack || known[a].nack != 0) && nfull(down[a])))

active proctype Aggregator()
{
    byte a, n, m_session, m_number, m_count;
again:
    do
    :: atomic { len(up[0]) > 0 -> a = 0 } goto hear
    :: atomic { len(up[1]) > 0 -> a = 1 } goto hear
    :: atomic { BUSY_WITH(0) || BUSY_WITH(1) -> commit(0); commit(1); answer(0); answer(1) }
    :: atomic { !calm && fails < FAILS && (known[0].touched || known[1].touched) -> fails++;
            abandon(0);
#ifdef FAULT_HALF_ROLLBACK
            clear_group(1)
#else
            abandon(1)
#endif
        }
    :: atomic { !calm -> calm = true }
    /* rest is the only place where nothing has to move: anything else that stops is an invalid end state to Spin */
    :: atomic { timeout && calm && REST -> assert(there[0].mark == FIRST && there[1].mark == SECOND) }
    :: atomic { !calm && deaths < DEATHS -> deaths++;
            lose_session(0); clear_group(0); lose_session(1); clear_group(1) }
    od;
hear:
    atomic {
        if
        :: up[a]?HELLO, m_session, m_number, m_count ->
            if
            :: !known[a].serving -> known[a].mark = there[a].mark
            :: else
            fi;
            if
            :: !known[a].serving || known[a].session != m_session -> known[a].gap_told = false
            :: else
            fi;
            known[a].serving = true; known[a].session = m_session; known[a].touched = true;
            known[a].owes_welcome = true; known[a].owes_ack = known[a].mark > 0; known[a].nack = 0; known[a].nack_first = 0
        :: up[a]?RUN, m_session, m_number, m_count ->
            if
            :: !known[a].serving || m_session != known[a].session -> post(down[a], NO_SESSION, m_session, 0, 0)
            :: else ->
                known[a].touched = true;
                if
                :: m_number > known[a].mark + 1 ->
                    if
                    :: !known[a].gap_told && known[a].nack == 0 -> known[a].nack = GAP_AHEAD; known[a].nack_first = known[a].mark + 1
                    :: else
                    fi;
                    known[a].gap_told = true
                :: m_number + m_count <= known[a].mark + 1 -> known[a].owes_ack = true
                :: else -> take_run(a)
                fi
            fi
        fi;
        m_session = 0; m_number = 0; m_count = 0; a = 0
    };
    goto again
}

init {
    atomic { run Collector(0); run Collector(1) }
}
