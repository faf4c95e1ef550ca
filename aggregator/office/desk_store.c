/* desk_store.c - the desk's own reading of the store: opened when first needed, closed after a failure and opened again before
 * the next question, read in one snapshot at a time. */
#include "desk_inside.h"

#include "log.h"

#include <inttypes.h>
#include <stdio.h>

enum status desk_open_store(struct desk *desk, struct fault *why)
{
    enum status status;
    if (desk->office != NULL)
        return STATUS_OK;
    status = store_open(desk->settings->store_path, STORE_READ, &desk->store, why);
    if (status == STATUS_OK)
        desk->office = office_open(desk->catalogue, desk->store,
                                   settings_pages_bytes(desk->settings));
    if (status == STATUS_OK)
        office_set_agents(desk->office, desk->settings->agents);
    return status;
}

void desk_close_store(struct desk *desk)
{
    office_close(&desk->office);
    store_close(&desk->store);
}

enum status desk_begin(struct desk *desk, struct fault *why)
{
    const enum status status = desk_open_store(desk, why);
    return status == STATUS_OK ? store_begin(desk->store, why) : status;
}

enum status desk_end(struct desk *desk, enum status status, struct fault *why)
{
    if (status == STATUS_OK)
        return store_commit(desk->store, why);
    store_rollback(desk->store);
    return status;
}

void desk_log_repairs(struct desk *desk)
{
    char blocks[24];
    uint64_t repaired = desk->office == NULL ? 0 : abacus_repaired(desk->office->abacus);
    if (desk->office != NULL && desk->office->past != NULL)
        repaired += abacus_repaired(desk->office->past);
    if (repaired == desk->repairs_told)
        return;
    if (repaired > desk->repairs_told) {
        (void)snprintf(blocks, sizeof blocks, "%" PRIu64, repaired - desk->repairs_told);
        log_event(LOG_LEVEL_WARN, "abacus_repaired", "who", "office", "blocks", blocks, "detail",
                  "saved pages were damaged and made anew from the ledger", NULL);
    }
    desk->repairs_told = repaired;
}
