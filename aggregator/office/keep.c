/* keep.c - see keep.h. */
#include "keep.h"

#include "ask.h"
#include "backup.h"
#include "keys.h"
#include "memory.h"
#include "telling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const backup_columns[] = {"folder", "entry", "time", "bytes", "signed", "noted"};
static const char *const restore_columns[] = {"store", "entry", "time", "generation", "set_aside"};

/* ---- taking note --------------------------------------------------------------------------------------------------------- */

/* The running aggregator is the one writer: it is shown the statement, and notes it. */
static enum status ask_to_note(const struct keep_request *request, const struct secret_key *key,
                               const struct backup_made *made, struct fault *why)
{
    struct ask_target target = {.endpoint = request->settings->listen_queries, .security = request->settings->security,
                                .own = key, .server_curve = key->public_key.curve};
    struct wire_question question = {.id = 1, .command = "backup", .option_count = 1};
    struct asked asked = {.bytes = NULL};
    (void)snprintf(question.options[0].name, sizeof question.options[0].name, "statement");
    question.options[0].value = made->text;
    enum status status = ask_aggregator(&target, &question, request->timeout_ms, &asked, why);
    if (status == STATUS_OK && asked.message.answer.fault_code[0] != '\0') {
        fault_set(why, MESSAGE_BACKUP_NOT_OURS, NULL);
        status = STATUS_AGAIN;
    }
    asked_free(&asked);
    return status;
}

/* While no aggregator runs whoever holds the lock is the writer. */
static enum status note_here(const struct keep_request *request, const struct secret_key *key,
                             const struct backup_made *made, struct fault *why)
{
    struct store *store = NULL;
    struct backup_mark mark;
    bool holds = false;
    enum status status = store_open(request->store, STORE_WRITE, &store, why);
    if (status == STATUS_OK)
        status = backup_holds(store, made->text, key->public_key.sign, request->now_ms, &holds, &mark, why);
    if (status == STATUS_OK && holds)
        status = backup_note(store, &mark, why);
    else if (status == STATUS_OK) {
        fault_set(why, MESSAGE_BACKUP_NOT_OURS, NULL);
        status = STATUS_AGAIN;
    }
    store_close(&store);
    return status;
}

static bool take_note(const struct keep_request *request, const struct secret_key *key, const struct backup_made *made,
                      struct fault *why)
{
    struct fault reason = {.message = MESSAGE_NONE};
    char nested[MESSAGE_NESTED];
    if (key == NULL)
        return true; /* nothing is claimed */
    if ((store_is_held(request->store) ? ask_to_note(request, key, made, &reason)
                                       : note_here(request, key, made, &reason)) == STATUS_OK)
        return true;
    fault_nest(&reason, nested, sizeof nested);
    fault_set(why, MESSAGE_BACKUP_NOT_NOTED, request->folder, nested, NULL);
    return false;
}

/* ---- the commands ----------------------------------------------------------------------------------------------------------- */

enum status keep_backup(const struct keep_request *request, struct table *ret_table, bool *ret_noted, struct fault *why)
{
    struct backup_made *made = memory_new(struct backup_made);
    struct telling telling = {.told = false};
    struct secret_key key;
    const bool has_key = request->settings != NULL;
    struct backup_request asked = {.store = request->store, .folder = request->folder, .now_ms = request->now_ms,
                                   .progress = request->tells ? telling_step : NULL, .context = &telling};
    enum status status = has_key ? keys_load_secret(request->settings->key, &key, why) : STATUS_OK;
    asked.agents = has_key ? request->settings->agents : NULL;
    asked.key = has_key ? &key : NULL;
    if (status == STATUS_OK)
        status = backup_make(&asked, made, why);
    telling_end(&telling);
    if (status == STATUS_OK) {
        *ret_noted = take_note(request, asked.key, made, why);
        table_start(ret_table, backup_columns, ARRAY_LEN(backup_columns));
        table_add(ret_table, request->folder);
        table_add_number(ret_table, made->statement.entry);
        table_add(ret_table, made->statement.time);
        table_add_number(ret_table, made->bytes);
        table_add(ret_table, has_key ? "yes" : "no");
        table_add(ret_table, has_key && *ret_noted ? "yes" : "no");
    }
    if (has_key)
        keys_forget(&key);
    free(made);
    return status;
}

enum status keep_restore(const struct keep_request *request, struct table *ret_table, struct fault *why)
{
    struct restored *restored = memory_new(struct restored);
    struct telling telling = {.told = false};
    struct secret_key key;
    char generation[33];
    const bool has_key = request->settings != NULL;
    struct restore_request asked = {.folder = request->folder, .store = request->store, .force = request->force,
                                    .unsigned_too = request->unsigned_too, .now_ms = request->now_ms,
                                    .progress = request->tells ? telling_step : NULL, .context = &telling};
    enum status status = has_key ? keys_load_secret(request->settings->key, &key, why) : STATUS_OK;
    asked.key = has_key ? key.public_key.sign : NULL;
    if (status == STATUS_OK)
        status = backup_restore(&asked, restored, why);
    telling_end(&telling);
    if (status == STATUS_OK) {
        seal_hex(restored->generation, sizeof restored->generation, generation);
        table_start(ret_table, restore_columns, ARRAY_LEN(restore_columns));
        table_add(ret_table, request->store);
        table_add_number(ret_table, restored->statement.entry);
        table_add(ret_table, restored->statement.time);
        table_add(ret_table, generation);
        table_add(ret_table, restored->aside[0] != '\0' ? restored->aside : NULL);
    }
    if (has_key)
        keys_forget(&key);
    free(restored);
    return status;
}
