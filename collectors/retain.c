/* retain.c - see retain.h. */
#include "retain.h"

#include "ballast.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define MIB ((uint64_t)1 << 20)
#define ROOM_LEAST (UINT64_C(1) << 18) /* room inside the outbox' file that is enough to go on taking files */
#define KEEP_MS 1000 /* the ballast is looked at so often */

struct retain {
    struct outbox *outbox;
    struct ballast *ballast;
    int64_t keep_ms;
    uint64_t quota;
    uint64_t used, free;     /* by the outbox and inside its file, as of the last look */
    bool ballast_stands;
    bool disk_full;          /* room is needed, whatever the quota says */
    int64_t looked_at;
    uint64_t risk_count, risk_first, risk_last;
};

struct retain *retain_new(const struct collector_settings *settings, struct outbox *outbox)
{
    struct retain *retain = memory_new(struct retain);
    retain->outbox = outbox;
    retain->ballast = ballast_new(settings->outbox, settings->ballast_mib * (int64_t)MIB);
    retain->ballast_stands = ballast_keep(retain->ballast);
    retain->keep_ms = settings->keep_days * DAY_MS;
    retain->quota = (uint64_t)settings->quota_mib * MIB;
    return retain;
}

void retain_free(struct retain **retain)
{
    if (*retain == NULL)
        return;
    ballast_free(&(*retain)->ballast);
    free(*retain);
    *retain = NULL;
}

void retain_disk_full(struct retain *retain)
{
    if (ballast_drop(retain->ballast))
        retain->ballast_stands = false;
    retain->disk_full = true;
}

static void note_risk(struct retain *retain, uint64_t backed, uint64_t first, uint64_t last)
{
    if (first <= backed)
        first = backed + 1;
    if (first > last)
        return;
    if (retain->risk_count == 0)
        retain->risk_first = first;
    retain->risk_last = last;
    retain->risk_count += last - first + 1;
}

/* One piece at a time, so that delivering goes on in between. */
static enum status make_room(struct retain *retain, struct fault *why)
{
    uint64_t first = 0, last = 0;
    const uint64_t backed = outbox_backed(retain->outbox);
    enum status status = outbox_sacrifice(retain->outbox, &first, &last, why);
    if (status == STATUS_OK && last != 0)
        note_risk(retain, backed, first, last);
    return status;
}

/* On a full disk files go on to be taken into the room that was freed inside the outbox' file: it never gets smaller. */
static bool has_inner_room(const struct retain *retain)
{
    const uint64_t ballast = (uint64_t)ballast_bytes(retain->ballast);
    return retain->free >= (ballast > ROOM_LEAST ? ballast : ROOM_LEAST);
}

static bool is_crowded(const struct retain *retain)
{
    return retain->used >= retain->quota || (retain->disk_full && !has_inner_room(retain));
}

enum status retain_work(struct retain *retain, int64_t now_ms, struct fault *why)
{
    bool any = false;
    enum status status = outbox_prune(retain->outbox, now_ms - retain->keep_ms, &any, why);
    if (status == STATUS_OK)
        status = outbox_used(retain->outbox, &retain->used, &retain->free, why);
    if (status == STATUS_OK && is_crowded(retain) && !any)
        status = make_room(retain, why);
    if (status == STATUS_AGAIN)
        retain_disk_full(retain); /* the next turn has the ballast's room */
    if (status == STATUS_OK && (now_ms - retain->looked_at >= KEEP_MS || now_ms < retain->looked_at)) {
        retain->looked_at = now_ms;
        retain->ballast_stands = ballast_keep(retain->ballast);
        retain->disk_full = retain->disk_full && !retain->ballast_stands;
    }
    return status == STATUS_AGAIN ? STATUS_OK : status;
}

bool retain_has_room(struct retain *retain, struct fault *ret_why)
{
    char mib[24];
    if (!retain->ballast_stands && !has_inner_room(retain)) {
        fault_set(ret_why, MESSAGE_OUTBOX_FULL, NULL);
        return false;
    }
    if (retain->used < retain->quota)
        return true;
    (void)snprintf(mib, sizeof mib, "%" PRIu64, retain->quota / MIB);
    fault_set(ret_why, MESSAGE_OUTBOX_QUOTA, mib, NULL);
    return false;
}

uint64_t retain_at_risk(struct retain *retain, uint64_t *ret_first, uint64_t *ret_last)
{
    const uint64_t count = retain->risk_count;
    *ret_first = retain->risk_first;
    *ret_last = retain->risk_last;
    retain->risk_count = 0;
    return count;
}
