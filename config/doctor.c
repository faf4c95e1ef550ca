/* doctor.c - see doctor.h. */
#include "doctor.h"

#include "calendar.h"
#include "file.h"
#include "memory.h"
#include "period.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#define STICKY 01000 /* mode: only owners may replace files */
#define MEBIBYTE (UINT64_C(1) << 20)
#define DISK_LEAST (64 * MEBIBYTE)
#define DISK_LITTLE (1024 * MEBIBYTE)
#define SKEW_MS INT64_C(300000)
#define CLOCK_LEAST_MS INT64_C(1704067200000) /* 2024-01-01: these programs are younger */
#define REACH_MS 3000

const char *const doctor_columns[5] = {"check", "state", "subject", "detail", "advice"};

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static struct doctor_row *add_row(struct doctor *doctor, const char *check, enum doctor_state state, const char *subject)
{
    doctor->rows = memory_grow(doctor->rows, &doctor->capacity, doctor->count + 1, sizeof *doctor->rows);
    struct doctor_row *row = &doctor->rows[doctor->count++];
    memset(row, 0, sizeof *row);
    row->check = check;
    row->state = state;
    (void)snprintf(row->subject, sizeof row->subject, "%s", subject);
    return row;
}

void doctor_add(struct doctor *doctor, const char *check, enum doctor_state state, const char *subject, enum message detail,
                enum message advice, const char *one, const char *two)
{
    struct doctor_row *row = add_row(doctor, check, state, subject);
    fault_set(&row->detail, detail, one == NULL ? "" : one, two == NULL ? "" : two, NULL);
    row->advice = advice;
}

void doctor_add_fault(struct doctor *doctor, const char *check, enum doctor_state state, const char *subject,
                      const struct fault *fault)
{
    add_row(doctor, check, state, subject)->detail = *fault;
}

static void add_fine(struct doctor *doctor, const char *check, const char *subject, const char *value)
{
    doctor_add(doctor, check, DOCTOR_OK, subject, MESSAGE_DOCTOR_FINE, MESSAGE_NONE, value, NULL);
}

bool doctor_is_healthy(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++)
        if (doctor->rows[i].state == DOCTOR_ERROR)
            return false;
    return true;
}

const char *doctor_state_name(enum doctor_state state)
{
    static const char *const names[] = {[DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_ERROR] = "error"};
    return names[state];
}

void doctor_detail(const struct doctor_row *row, enum language language, char *ret_text, size_t capacity)
{
    if (row->detail.file[0] != '\0')
        fault_format(&row->detail, language, ret_text, capacity);
    else
        fault_sentence(&row->detail, language, ret_text, capacity);
}

void doctor_advice(const struct doctor_row *row, enum language language, char *ret_text, size_t capacity)
{
    struct fault advice = row->detail;
    advice.message = row->advice;
    ret_text[0] = '\0';
    if (row->advice != MESSAGE_NONE)
        fault_sentence(&advice, language, ret_text, capacity);
}

static void number(uint64_t count, char ret_text[24])
{
    (void)snprintf(ret_text, 24, "%" PRIu64, count);
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

static void look_at_folder(struct doctor *doctor, const char *path)
{
    struct stat about;
    char *folder = NULL;
    if (file_folder(path, &folder, NULL) == STATUS_OK && stat(folder, &about) == 0 && (about.st_mode & 022) != 0 &&
        (about.st_mode & STICKY) == 0)
        doctor_add(doctor, "keys", DOCTOR_WARN, folder, MESSAGE_DOCTOR_FOLDER_OPEN, MESSAGE_DOCTOR_FOLDER_OPEN_ADVICE, folder, NULL);
    free(folder);
}

/* NAME.pub is what others were given; it must be the other half of NAME.key. */
static void look_at_pair(struct doctor *doctor, const char *path, const struct secret_key *key)
{
    const size_t length = strlen(path);
    struct public_key public_half;
    if (length < 4 || strcmp(path + length - 4, ".key") != 0)
        return;
    char *public_path = memory_copy_text(path);
    memcpy(public_path + length - 4, ".pub", 4);
    if (access(public_path, F_OK) == 0 && keys_load_public(public_path, &public_half, NULL) == STATUS_OK &&
        (strcmp(public_half.curve, key->public_key.curve) != 0 ||
         memcmp(public_half.sign, key->public_key.sign, SEAL_PUBLIC) != 0))
        doctor_add(doctor, "keys", DOCTOR_ERROR, public_path, MESSAGE_DOCTOR_PAIR, MESSAGE_DOCTOR_PAIR_ADVICE, path, NULL);
    free(public_path);
}

bool doctor_secret(struct doctor *doctor, const char *path, struct secret_key *ret_key)
{
    struct fault why = {0};
    if (keys_load_secret(path, ret_key, &why) != STATUS_OK) {
        doctor_add_fault(doctor, "keys", DOCTOR_ERROR, path, &why);
        return false;
    }
    add_fine(doctor, "keys", path, ret_key->public_key.name);
    look_at_pair(doctor, path, ret_key);
    look_at_folder(doctor, path);
    return true;
}

bool doctor_public(struct doctor *doctor, const char *path, struct public_key *ret_key)
{
    struct fault why = {0};
    if (keys_load_public(path, ret_key, &why) != STATUS_OK) {
        doctor_add_fault(doctor, "keys", DOCTOR_ERROR, path, &why);
        return false;
    }
    add_fine(doctor, "keys", path, ret_key->name);
    return true;
}

/* Has the agent another key that counts on the day? */
static bool has_other_key(const struct agent *agents, size_t count, size_t which, int32_t day)
{
    for (size_t i = 0; i < count; i++) {
        const enum agent_dates dates = agent_dates(&agents[i], day);
        if (i != which && strcmp(agents[i].code, agents[which].code) == 0 && agents[i].status == AGENT_ACTIVE &&
            (dates == AGENT_DATES_FINE || (dates == AGENT_DATES_SOON && agents[i].valid_to > agents[which].valid_to)))
            return true;
    }
    return false;
}

void doctor_agents(struct doctor *doctor, const struct agent *agents, size_t count, int32_t day)
{
    static const enum message messages[] = {[AGENT_DATES_EARLY] = MESSAGE_KEY_EARLY, [AGENT_DATES_SOON] = MESSAGE_KEY_SOON,
                                            [AGENT_DATES_OVER] = MESSAGE_KEY_OVER};
    for (size_t i = 0; i < count; i++) {
        const struct agent *agent = &agents[i];
        const enum agent_dates dates = agent_dates(agent, day);
        struct fault fault = {0};
        char text[DATE_TEXT];
        if (agent->status != AGENT_ACTIVE) {
            if (!has_other_key(agents, count, i, day))
                doctor_add(doctor, "keys", DOCTOR_WARN, agent->code, MESSAGE_DOCTOR_REVOKED, MESSAGE_DOCTOR_REVOKED_ADVICE,
                           agent->key.name, NULL);
            continue;
        }
        if (dates == AGENT_DATES_FINE) {
            add_fine(doctor, "keys", agent->code, agent->key.name);
            continue;
        }
        date_format(dates == AGENT_DATES_EARLY ? agent->valid_from : agent->valid_to, text);
        fault_set(&fault, messages[dates], agent->code, agent->key.name, text, NULL);
        const bool replaced = has_other_key(agents, count, i, day);
        doctor_add_fault(doctor, "keys", replaced ? DOCTOR_OK : dates == AGENT_DATES_OVER ? DOCTOR_ERROR : DOCTOR_WARN,
                         agent->code, &fault);
    }
}

/* ---- clock --------------------------------------------------------------------------------------------------------- */

/* The battery clock, when the machine lets us see it. */
static bool battery_clock(int64_t *ret_ms)
{
    long long seconds = 0;
    FILE *file = fopen("/sys/class/rtc/rtc0/since_epoch", "re");
    const bool read = file != NULL && fscanf(file, "%lld", &seconds) == 1;
    if (file != NULL)
        (void)fclose(file); /* only read */
    *ret_ms = (int64_t)seconds * 1000;
    return read;
}

void doctor_clock(struct doctor *doctor, int64_t now_ms, int64_t not_before_ms)
{
    char now[TIME_TEXT], other[TIME_TEXT];
    int64_t battery = 0;
    const int64_t least = not_before_ms > CLOCK_LEAST_MS ? not_before_ms : CLOCK_LEAST_MS;
    calendar_format_time(now_ms, now);
    calendar_format_time(least, other);
    if (now_ms + SKEW_MS < least)
        doctor_add(doctor, "clock", DOCTOR_ERROR, "system", MESSAGE_DOCTOR_CLOCK_BACK, MESSAGE_DOCTOR_CLOCK_ADVICE, now, other);
    else
        add_fine(doctor, "clock", "system", now);
    if (battery_clock(&battery) && (battery - now_ms > SKEW_MS || now_ms - battery > SKEW_MS)) {
        calendar_format_time(battery, other);
        doctor_add(doctor, "clock", DOCTOR_WARN, "rtc0", MESSAGE_DOCTOR_CLOCK_BATTERY, MESSAGE_DOCTOR_CLOCK_ADVICE, now, other);
    }
}

void doctor_timezone(struct doctor *doctor, const char *timezone)
{
    struct fault why = {0};
    if (calendar_use_timezone(timezone, &why) != STATUS_OK)
        doctor_add_fault(doctor, "clock", DOCTOR_ERROR, timezone, &why);
    else
        add_fine(doctor, "clock", timezone, "");
}

/* ---- disk ---------------------------------------------------------------------------------------------------------- */

/* The folder itself or the nearest above it that is there; yours to free. */
static char *standing_folder(const char *folder)
{
    char *path = memory_copy_text(folder), *slash;
    while (access(path, F_OK) != 0 && (slash = strrchr(path, '/')) != NULL && slash != path)
        *slash = '\0';
    return path;
}

enum ground { GROUND_FIRM, GROUND_NETWORK, GROUND_MEMORY };

static enum ground ground_of(const char *path)
{
    static const unsigned long network[] = {0x6969 /* NFS */, 0xFF534D42 /* CIFS */, 0xFE534D42 /* SMB2 */, 0x517B /* SMB */,
                                            0x564C /* NCP */, 0x5346414F /* AFS */, 0x01021997 /* 9P */, 0x00C36400 /* Ceph */};
    struct statfs about;
    if (statfs(path, &about) != 0)
        return GROUND_FIRM;
    for (size_t i = 0; i < ARRAY_LEN(network); i++)
        if (((unsigned long)about.f_type & 0xFFFFFFFF) == network[i])
            return GROUND_NETWORK;
    return about.f_type == 0x01021994 || about.f_type == (__typeof__(about.f_type))0x858458F6 ? GROUND_MEMORY : GROUND_FIRM;
}

void doctor_disk(struct doctor *doctor, const char *folder)
{
    struct statvfs about;
    char free_text[24] = "";
    char *path = standing_folder(folder);
    if (statvfs(path, &about) != 0) {
        doctor_add(doctor, "disk", DOCTOR_ERROR, folder, MESSAGE_CANNOT_READ, MESSAGE_NONE, path, strerror(errno));
        goto done;
    }
    const uint64_t space = (uint64_t)about.f_bavail * about.f_frsize;
    number(space / MEBIBYTE, free_text);
    if ((about.f_flag & ST_RDONLY) != 0 || access(path, W_OK | X_OK) != 0)
        doctor_add(doctor, "disk", DOCTOR_ERROR, folder, MESSAGE_DOCTOR_READ_ONLY, MESSAGE_DOCTOR_READ_ONLY_ADVICE, path, NULL);
    else if (space < DISK_LEAST || (about.f_files > 0 && about.f_favail == 0))
        doctor_add(doctor, "disk", DOCTOR_ERROR, folder, MESSAGE_DOCTOR_DISK_FULL, MESSAGE_DOCTOR_DISK_ADVICE, free_text, NULL);
    else if (space < DISK_LITTLE)
        doctor_add(doctor, "disk", DOCTOR_WARN, folder, MESSAGE_DOCTOR_DISK_FULL, MESSAGE_DOCTOR_DISK_ADVICE, free_text, NULL);
    else
        doctor_add(doctor, "disk", DOCTOR_OK, folder, MESSAGE_DOCTOR_DISK_FREE, MESSAGE_NONE, free_text, NULL);
    switch (ground_of(path)) {
    case GROUND_FIRM: break;
    case GROUND_NETWORK:
        doctor_add(doctor, "disk", DOCTOR_ERROR, folder, MESSAGE_DOCTOR_NETWORK_DISK, MESSAGE_DOCTOR_NETWORK_DISK_ADVICE, path, NULL);
        break;
    case GROUND_MEMORY:
        doctor_add(doctor, "disk", DOCTOR_WARN, folder, MESSAGE_DOCTOR_MEMORY_DISK, MESSAGE_DOCTOR_NETWORK_DISK_ADVICE, path, NULL);
        break;
    }
done:
    free(path);
}

/* ---- locale -------------------------------------------------------------------------------------------------------- */

void doctor_locale(struct doctor *doctor)
{
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    const char *codeset = locale == (locale_t)0 ? "?" : nl_langinfo_l(CODESET, locale);
    if (strcmp(codeset, "UTF-8") == 0)
        add_fine(doctor, "locale", "LC_CTYPE", codeset);
    else
        doctor_add(doctor, "locale", DOCTOR_WARN, "LC_CTYPE", MESSAGE_DOCTOR_LOCALE, MESSAGE_DOCTOR_LOCALE_ADVICE, codeset, NULL);
    if (locale != (locale_t)0)
        freelocale(locale);
}

/* ---- ports --------------------------------------------------------------------------------------------------------- */

struct address {
    bool is_file;
    char host[256], port[8];
    char path[256];
};

/* tcp://host:port, ipc://path or host:port (the page). */
static bool read_endpoint(const char *endpoint, struct address *ret_address)
{
    const char *rest = strncmp(endpoint, "tcp://", 6) == 0 ? endpoint + 6 : endpoint;
    memset(ret_address, 0, sizeof *ret_address);
    if (strncmp(endpoint, "ipc://", 6) == 0) {
        ret_address->is_file = true;
        return (size_t)snprintf(ret_address->path, sizeof ret_address->path, "%s", endpoint + 6) < sizeof ret_address->path;
    }
    const char *colon = strrchr(rest, ':');
    if (colon == NULL || strlen(colon + 1) >= sizeof ret_address->port || (size_t)(colon - rest) >= sizeof ret_address->host)
        return false;
    const bool bracketed = rest[0] == '[' && colon > rest && colon[-1] == ']';
    const size_t length = (size_t)(colon - rest) - (bracketed ? 2 : 0);
    memcpy(ret_address->host, rest + bracketed, length);
    if (strcmp(ret_address->host, "*") == 0)
        ret_address->host[0] = '\0';
    memcpy(ret_address->port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static int finish_connect(int handle)
{
    struct pollfd wait = {.fd = handle, .events = POLLOUT};
    int trouble = ETIMEDOUT;
    socklen_t size = sizeof trouble;
    if (poll(&wait, 1, REACH_MS) > 0 && getsockopt(handle, SOL_SOCKET, SO_ERROR, &trouble, &size) != 0)
        trouble = errno;
    return trouble;
}

/* Tries to connect, or to bind; 0 or an errno. */
static int try_address(const struct sockaddr *address, socklen_t length, int family, bool binds)
{
    const int handle = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    int trouble = 0;
    if (handle < 0)
        return errno;
    if (binds && family != AF_UNIX)
        (void)setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if ((binds ? bind(handle, address, length) : connect(handle, address, length)) != 0)
        trouble = errno;
    if (!binds && trouble == EINPROGRESS)
        trouble = finish_connect(handle);
    close(handle);
    return trouble;
}

static int try_file(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    return try_address((const struct sockaddr *)&address, sizeof address, AF_UNIX, false);
}

/* An errno, or -1 for a name nobody knows. */
static int try_host(const struct address *address, bool binds)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = binds ? AI_PASSIVE : 0};
    struct addrinfo *found = NULL;
    if (getaddrinfo(address->host[0] == '\0' ? NULL : address->host, address->port, &hints, &found) != 0)
        return -1;
    const int trouble = try_address(found->ai_addr, found->ai_addrlen, found->ai_family, binds);
    freeaddrinfo(found);
    return trouble;
}

static void look_at_port(struct doctor *doctor, const char *endpoint, const char *port)
{
    int low = 0, high = 0;
    const long value = strtol(port, NULL, 10);
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file != NULL && fscanf(file, "%d %d", &low, &high) == 2 && value >= low && value <= high)
        doctor_add(doctor, "ports", DOCTOR_WARN, endpoint, MESSAGE_DOCTOR_PORT_EPHEMERAL, MESSAGE_DOCTOR_PORT_ADVICE, port, NULL);
    if (file != NULL)
        (void)fclose(file); /* only read */
    if (value > 0 && value < 1024)
        doctor_add(doctor, "ports", geteuid() == 0 ? DOCTOR_WARN : DOCTOR_ERROR, endpoint, MESSAGE_DOCTOR_PORT_PRIVILEGED,
                   MESSAGE_DOCTOR_PORT_ADVICE, port, NULL);
}

static void look_at_socket_file(struct doctor *doctor, const char *endpoint, const char *path, bool is_running)
{
    struct stat about;
    const bool is_there = lstat(path, &about) == 0;
    const int trouble = is_there && S_ISSOCK(about.st_mode) ? try_file(path) : ENOENT;
    if (is_there && !S_ISSOCK(about.st_mode))
        doctor_add(doctor, "ports", DOCTOR_ERROR, endpoint, MESSAGE_DOCTOR_NO_SOCKET, MESSAGE_DOCTOR_NO_SOCKET_ADVICE, path, NULL);
    else if (is_running && trouble != 0)
        doctor_add(doctor, "ports", DOCTOR_ERROR, endpoint, MESSAGE_DOCTOR_UNREACHABLE, MESSAGE_DOCTOR_RESTART_ADVICE, endpoint,
                   strerror(trouble));
    else if (!is_running && is_there && trouble == 0)
        doctor_add(doctor, "ports", DOCTOR_ERROR, endpoint, MESSAGE_DOCTOR_PORT_TAKEN, MESSAGE_DOCTOR_PORT_ADVICE, path, NULL);
    else if (!is_running && is_there)
        doctor_add(doctor, "ports", DOCTOR_WARN, endpoint, MESSAGE_DOCTOR_STALE, MESSAGE_DOCTOR_STALE_ADVICE, path, NULL);
    else
        add_fine(doctor, "ports", endpoint, "");
}

void doctor_listens(struct doctor *doctor, const char *endpoint, bool is_running)
{
    struct address address;
    if (!read_endpoint(endpoint, &address))
        return; /* the settings have looked at its form */
    if (address.is_file) {
        look_at_socket_file(doctor, endpoint, address.path, is_running);
        return;
    }
    look_at_port(doctor, endpoint, address.port);
    const int trouble = try_host(&address, !is_running);
    if (trouble == 0)
        add_fine(doctor, "ports", endpoint, "");
    else if (is_running)
        doctor_add(doctor, "ports", DOCTOR_ERROR, endpoint, MESSAGE_DOCTOR_UNREACHABLE, MESSAGE_DOCTOR_RESTART_ADVICE, endpoint,
                   trouble < 0 ? "" : strerror(trouble));
    else
        doctor_add(doctor, "ports", DOCTOR_ERROR, endpoint,
                   trouble == EADDRINUSE ? MESSAGE_DOCTOR_PORT_TAKEN : MESSAGE_DOCTOR_PORT_REFUSED, MESSAGE_DOCTOR_PORT_ADVICE,
                   address.port, trouble < 0 ? "" : strerror(trouble));
}

void doctor_reaches(struct doctor *doctor, const char *endpoint)
{
    struct address address;
    if (!read_endpoint(endpoint, &address))
        return;
    const int trouble = address.is_file ? try_file(address.path) : try_host(&address, false);
    if (trouble == 0)
        add_fine(doctor, "ports", endpoint, "");
    else
        doctor_add(doctor, "ports", DOCTOR_ERROR, endpoint, MESSAGE_DOCTOR_UNREACHABLE, MESSAGE_DOCTOR_REACH_ADVICE, endpoint,
                   trouble < 0 ? "" : strerror(trouble));
}

/* ---- limits -------------------------------------------------------------------------------------------------------- */

void doctor_descriptors(struct doctor *doctor, uint64_t needed)
{
    struct rlimit files;
    char have[24], want[24];
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    number(files.rlim_max, have);
    number(needed, want);
    if (files.rlim_max != RLIM_INFINITY && files.rlim_max < needed)
        doctor_add(doctor, "limits", DOCTOR_ERROR, "RLIMIT_NOFILE", MESSAGE_DOCTOR_DESCRIPTORS, MESSAGE_DOCTOR_DESCRIPTORS_ADVICE,
                   have, want);
    else
        add_fine(doctor, "limits", "RLIMIT_NOFILE", have);
}

bool doctor_holder(const char *lock_file, int *ret_process)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int file = open(lock_file, O_RDONLY | O_CLOEXEC);
    const bool held = file >= 0 && fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    *ret_process = held && lock.l_pid > 0 ? lock.l_pid : 0; /* locks of an open file name nobody */
    if (file >= 0)
        close(file);
    return held;
}
