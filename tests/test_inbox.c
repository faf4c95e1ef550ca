/* test_inbox.c - what may lie in an inbox, and what may happen to it between two looks. */
#include "county.h"
#include "suite.h"

#include "inbox.h"
#include "refused.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const char report[] = "element,unit,period,value\nsown,J,2020-03,1\n";
static const char later_report[] = "element,unit,period,value\nsown,J,2020-03,2\n";

/* Another version of the file takes the name, as programs do that save by renaming. */
static void save_anew(const struct county *county, const char *name, const char *text)
{
    char from[INBOX_PATH], to[INBOX_PATH];
    county_write(county, ".saving", text, strlen(text));
    county_path(county, ".saving", from);
    county_path(county, name, to);
    CU_ASSERT_EQUAL_FATAL(rename(from, to), 0);
}

static void a_file_saved_anew_while_it_was_read_stays_in_the_inbox(void)
{
    struct county county;
    struct inbox_state read;
    char path[INBOX_PATH];
    bool other = false;
    county_open(&county);
    county_write(&county, "a.csv", report, strlen(report));
    CU_ASSERT_FATAL(inbox_look(county.inbox, "a.csv", &read));
    CU_ASSERT_EQUAL(inbox_free_path(county.inbox, "done", "a.csv", path, &county.why), STATUS_OK);
    save_anew(&county, "a.csv", later_report);
    CU_ASSERT_EQUAL(inbox_move(county.inbox, "a.csv", &read, path, &other, &county.why), STATUS_OK);
    CU_ASSERT(other && county_exists(&county, "a.csv") && !county_exists(&county, "done/a.csv"));
    CU_ASSERT_FATAL(inbox_look(county.inbox, "a.csv", &read));
    CU_ASSERT_EQUAL(inbox_move(county.inbox, "a.csv", &read, path, &other, &county.why), STATUS_OK);
    CU_ASSERT(!other && !county_exists(&county, "a.csv") && county_exists(&county, "done/a.csv"));
    county_close(&county);
}

static void a_move_that_was_left_half_done_is_finished(void)
{
    struct county county;
    struct inbox_state read;
    char from[INBOX_PATH], done[INBOX_PATH], path[INBOX_PATH];
    bool other = true;
    county_open(&county);
    county_path(&county, "a.csv", from);
    county_path(&county, "done/a.csv", done);
    county_write(&county, "a.csv", report, strlen(report));
    CU_ASSERT_EQUAL_FATAL(link(from, done), 0);
    CU_ASSERT_FATAL(inbox_look(county.inbox, "a.csv", &read));
    CU_ASSERT_EQUAL(inbox_free_path(county.inbox, "done", "a.csv", path, &county.why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(path, done);
    CU_ASSERT_EQUAL(inbox_move(county.inbox, "a.csv", &read, path, &other, &county.why), STATUS_OK);
    CU_ASSERT(!other && !county_exists(&county, "a.csv") && county_exists(&county, "done/a.csv"));
    CU_ASSERT(!county_exists(&county, "done/a.2.csv"));
    county_close(&county);
}

static void a_file_of_the_same_name_is_never_replaced(void)
{
    struct county county;
    struct inbox_state read;
    char path[INBOX_PATH], free_path[INBOX_PATH];
    bool other = false;
    county_open(&county);
    county_path(&county, "done/a.csv", path);
    for (int i = 1; i <= 7; i++) {
        county_write(&county, "a.csv", report, strlen(report));
        CU_ASSERT_FATAL(inbox_look(county.inbox, "a.csv", &read));
        if (i > 1)
            CU_ASSERT_EQUAL(inbox_move(county.inbox, "a.csv", &read, path, &other, &county.why), STATUS_REFUSED);
        CU_ASSERT_EQUAL(inbox_free_path(county.inbox, "done", "a.csv", free_path, &county.why), STATUS_OK);
        CU_ASSERT_EQUAL(inbox_move(county.inbox, "a.csv", &read, free_path, &other, &county.why), STATUS_OK);
    }
    CU_ASSERT(county_exists(&county, "done/a.csv") && county_exists(&county, "done/a.2.csv") && county_exists(&county, "done/a.7.csv"));
    county_close(&county);
}

/* Numbers up to `about` are taken; counts the questions. */
static int questions;

static bool taken_up_to(const void *about, int number)
{
    questions++;
    return number <= *(const int *)about;
}

static void a_free_number_is_found_among_a_million(void)
{
    static const int counts[] = {0, 1, 2, 3, 7, 8, 9999, 10000, 1000000, 100000000};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        questions = 0;
        CU_ASSERT_EQUAL(inbox_free_number(taken_up_to, &counts[i]), counts[i] + 1);
        CU_ASSERT(questions < 64);
    }
}

static void only_plain_files_are_input(void)
{
    struct county county;
    char path[INBOX_PATH];
    const struct inbox_file *files = NULL;
    size_t count = 0;
    county_open(&county);
    county_write(&county, "-rf.csv", report, strlen(report));
    county_write(&county, "two\nlines.csv", report, strlen(report));
    county_path(&county, "pipe.csv", path);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    county_path(&county, "folder.csv", path);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
    county_path(&county, "link.csv", path);
    CU_ASSERT_EQUAL_FATAL(symlink("-rf.csv", path), 0);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 0, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT(strcmp(files[i].name, "-rf.csv") == 0 || strcmp(files[i].name, "two\nlines.csv") == 0);
    county_close(&county);
}

static void a_name_cannot_steer_a_terminal_or_break_a_line(void)
{
    char name[256];
    feed_display_name("two\nlines\x1b[2J\x7f.csv", name);
    CU_ASSERT_STRING_EQUAL(name, "two?lines?[2J?.csv");
    feed_display_name("溧阳 3月.csv", name);
    CU_ASSERT_STRING_EQUAL(name, "溧阳 3月.csv");
}

static void a_link_in_the_place_of_done_is_refused(void)
{
    struct county county;
    char done[INBOX_PATH], path[INBOX_PATH], elsewhere[] = "/tmp/suanpan-elsewhere-XXXXXX";
    county_open(&county);
    CU_ASSERT_FATAL(mkdtemp(elsewhere) != NULL);
    county_path(&county, "done", done);
    CU_ASSERT_EQUAL_FATAL(rmdir(done), 0);
    CU_ASSERT_EQUAL_FATAL(symlink(elsewhere, done), 0);
    CU_ASSERT_EQUAL(inbox_free_path(county.inbox, "done", "a.csv", path, &county.why), STATUS_AGAIN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_CANNOT_WRITE);
    rmdir(elsewhere);
    county_close(&county);
}

static void a_pipe_in_the_place_of_refused_rows_keeps_nobody_waiting(void)
{
    struct county county;
    char path[INBOX_PATH], written[INBOX_PATH] = "";
    county_open(&county);
    CU_ASSERT_EQUAL_FATAL(county_read(&county, "element,unit,period,value\nsown,J,2020-03,x\n"), STATUS_OK);
    county_path(&county, "f.csv.refused.csv", path);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(refused_write(county.delivery, inbox_folder(county.inbox), "f.csv", written, &county.why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(strrchr(written, '/'), "/f.csv.2.refused.csv");
    CU_ASSERT_EQUAL(refused_write(county.delivery, inbox_folder(county.inbox), "f.csv", written, &county.why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(strrchr(written, '/'), "/f.csv.2.refused.csv"); /* the same rows once */
    county_close(&county);
}

static void a_file_is_complete_when_it_has_not_changed_for_a_while(void)
{
    struct county county;
    const struct inbox_file *files;
    size_t count;
    county_open(&county);
    county_write(&county, "a.csv", "x", 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 1000, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(inbox_waiting(county.inbox), 1);
    county_write(&county, "a.csv", "xy", 2);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 2900, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 4800, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 4900, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 0, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    county_close(&county);
}

static void files_are_taken_by_time_then_name(void)
{
    struct county county;
    const struct inbox_file *files;
    const struct timespec early[2] = {{100, 0}, {100, 0}}, late[2] = {{200, 0}, {200, 0}};
    char path[INBOX_PATH];
    size_t count;
    county_open(&county);
    static const char *const names[] = {"b.csv", "a.csv", "c.csv"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        county_write(&county, names[i], "x", 1);
        county_path(&county, names[i], path);
        CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, i == 2 ? early : late, 0), 0);
    }
    county_write(&county, "b.csv.refused.csv", "x", 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 0, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(files[0].name, "c.csv");
    CU_ASSERT_STRING_EQUAL(files[1].name, "a.csv");
    CU_ASSERT_STRING_EQUAL(files[2].name, "b.csv");
    county_close(&county);
}

static void a_postponed_file_waits_until_it_changes_or_its_time_comes(void)
{
    struct county county;
    const struct inbox_file *files;
    size_t count;
    county_open(&county);
    county_write(&county, "a.csv", "x", 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 1000, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    inbox_postpone(county.inbox, "a.csv", 6000);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 5999, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(inbox_waiting(county.inbox), 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 6000, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    inbox_postpone(county.inbox, "a.csv", 9000);
    county_write(&county, "a.csv", "xy", 2);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 7000, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    county_close(&county);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_file_saved_anew_while_it_was_read_stays_in_the_inbox),
        SENTENCE(a_move_that_was_left_half_done_is_finished),
        SENTENCE(a_file_of_the_same_name_is_never_replaced),
        SENTENCE(a_free_number_is_found_among_a_million),
        SENTENCE(only_plain_files_are_input),
        SENTENCE(a_name_cannot_steer_a_terminal_or_break_a_line),
        SENTENCE(a_link_in_the_place_of_done_is_refused),
        SENTENCE(a_pipe_in_the_place_of_refused_rows_keeps_nobody_waiting),
        SENTENCE(a_file_is_complete_when_it_has_not_changed_for_a_while),
        SENTENCE(files_are_taken_by_time_then_name),
        SENTENCE(a_postponed_file_waits_until_it_changes_or_its_time_comes),
    };
    return suite_run("inbox", sentences, ARRAY_LEN(sentences));
}
