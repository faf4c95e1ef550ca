/* keys.c - key files: made on the machine that uses them, read only when nobody else could have.
 *
 * Both files are created with O_EXCL and synced with their folder before anything is said about them, so a key that was
 * shown to an operator exists after a power cut, and no existing key is ever lost. Public halves are derived from the
 * secrets on loading, so that a mixed-up pair cannot be loaded. */
#include "keys.h"

#include "file.h"
#include "limit.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define KEY_FILE_BYTES 4096
#define PATH_BYTES 4096
#define SECRET_HEAD "suanpan secret key 1"
#define PUBLIC_HEAD "suanpan public key 1"

static enum status refuse(struct fault *why, enum message message, const char *path, const char *detail)
{
    fault_set(why, message, path, detail, NULL);
    return STATUS_REFUSED;
}

/* ---- making ------------------------------------------------------------------------------------------------------- */

/* A name that is also a file name everywhere: no separators, controls or spaces, not hidden, not an option. */
static bool is_plain_word(const char *name)
{
    const size_t length = strlen(name);
    size_t bad;
    if (length == 0 || length > LIMIT_CODE_BYTES || name[0] == '.' || name[0] == '-' ||
        !text_is_utf8(name, length, &bad))
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || strchr("/\\:*?\"<>|\x7f", *c) != NULL)
            return false;
    return true;
}

static enum status write_all(int file, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(file, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return STATUS_REFUSED;
        text += written;
        length -= (size_t)written;
    }
    return STATUS_OK;
}

/* A new file with exactly this mode, whatever the umask. Removed again when it cannot be written whole. */
static enum status create_file(const char *path, mode_t mode, const char *text, struct fault *why)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0)
        return refuse(why, errno == EEXIST ? MESSAGE_KEY_EXISTS : MESSAGE_CANNOT_WRITE, path, strerror(errno));
    bool good = fchmod(file, mode) == 0 && write_all(file, text, strlen(text)) == STATUS_OK && fsync(file) == 0;
    int trouble = errno;
    if (close(file) != 0 && good) {
        good = false;
        trouble = errno;
    }
    if (good)
        return STATUS_OK;
    (void)unlink(path);
    return refuse(why, MESSAGE_CANNOT_WRITE, path, strerror(trouble));
}

static enum status make_paths(const char *folder, const char *name, char secret[PATH_BYTES], char public[PATH_BYTES],
                              struct fault *why)
{
    const int one = snprintf(secret, PATH_BYTES, "%s/%s.key", folder, name);
    const int two = snprintf(public, PATH_BYTES, "%s/%s.pub", folder, name);
    if (one < 0 || one >= PATH_BYTES || two < 0 || two >= PATH_BYTES)
        return refuse(why, MESSAGE_CANNOT_WRITE, folder, strerror(ENAMETOOLONG));
    const enum status made = file_make_folders(folder, 0700, why);
    if (made != STATUS_OK)
        return made;
    if (access(secret, F_OK) == 0 || access(public, F_OK) == 0)
        return refuse(why, MESSAGE_KEY_EXISTS, access(secret, F_OK) == 0 ? secret : public, NULL);
    return STATUS_OK;
}

static void fingerprint(const struct public_key *key, char ret_text[33])
{
    unsigned char bytes[40 + SEAL_PUBLIC], hash[SEAL_HASH];
    memcpy(bytes, key->curve, 40);
    memcpy(bytes + 40, key->sign, SEAL_PUBLIC);
    seal_hash(bytes, sizeof bytes, hash);
    seal_hex(hash, 16, ret_text);
}

static enum status write_pair(const struct secret_key *key, const char *secret_path, const char *public_path,
                              struct fault *why)
{
    char text[KEY_FILE_BYTES], hex[2 * SEAL_SECRET + 1];
    seal_hex(key->sign, SEAL_SECRET, hex);
    (void)snprintf(text, sizeof text, SECRET_HEAD "\nname: %s\ncurve: %s\nsign: %s\n", key->public_key.name, key->curve,
                   hex);
    enum status status = create_file(secret_path, 0600, text, why);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(text, sizeof text);
    if (status != STATUS_OK)
        return status;
    seal_hex(key->public_key.sign, SEAL_PUBLIC, hex);
    (void)snprintf(text, sizeof text, PUBLIC_HEAD "\nname: %s\ncurve: %s\nsign: %s\n", key->public_key.name,
                   key->public_key.curve, hex);
    status = create_file(public_path, 0644, text, why);
    if (status != STATUS_OK)
        (void)unlink(secret_path); /* half a pair is of no use and would bar the next try */
    return status;
}

enum status keys_generate(const char *folder, const char *name, char ret_fingerprint[33], struct fault *why)
{
    struct secret_key key;
    char secret_path[PATH_BYTES], public_path[PATH_BYTES];
    memset(&key, 0, sizeof key);
    if (!is_plain_word(name))
        return refuse(why, MESSAGE_BAD_KEY_NAME, name, NULL);
    enum status status = make_paths(folder, name, secret_path, public_path, why);
    if (status != STATUS_OK)
        return status;
    memcpy(key.public_key.name, name, strlen(name) + 1);
    if (zmq_curve_keypair(key.public_key.curve, key.curve) != 0 ||
        crypto_sign_keypair(key.public_key.sign, key.sign) != 0) {
        fault_set(why, MESSAGE_NO_CURVE, zmq_strerror(errno), NULL);
        status = STATUS_BROKEN;
        goto done;
    }
    status = write_pair(&key, secret_path, public_path, why);
    if (status == STATUS_OK)
        status = file_sync_folder(folder, why);
    if (status == STATUS_OK && ret_fingerprint != NULL)
        fingerprint(&key.public_key, ret_fingerprint);
done:
    keys_forget(&key);
    return status;
}

/* ---- loading ------------------------------------------------------------------------------------------------------ */

struct key_text {
    char name[65], curve[41], sign[2 * SEAL_SECRET + 1];
};

/* One `word: value` line into its place; each word once. */
static const char *read_line(const char *line, size_t length, struct key_text *text)
{
    const struct { const char *word; char *place; size_t size; } words[] = {
        {"name: ", text->name, sizeof text->name},
        {"curve: ", text->curve, sizeof text->curve},
        {"sign: ", text->sign, sizeof text->sign},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const size_t skip = strlen(words[i].word);
        if (length <= skip || strncmp(line, words[i].word, skip) != 0)
            continue;
        if (words[i].place[0] != '\0')
            return "a line stands twice";
        if (length - skip >= words[i].size)
            return "a line is too long";
        memcpy(words[i].place, line + skip, length - skip);
        return NULL;
    }
    return "a line that is neither name, curve nor sign";
}

/* NULL when well formed, else what is wrong. Key files are mailed about: CRLF line ends are fine. */
static const char *read_key_text(const char *bytes, size_t size, const char *head, struct key_text *ret_text)
{
    size_t bad;
    bool first = true;
    if (strlen(bytes) != size)
        return "binary data";
    for (const char *line = bytes; *line != '\0'; first = false) {
        const size_t whole = strcspn(line, "\n");
        const size_t length = whole > 0 && line[whole - 1] == '\r' ? whole - 1 : whole;
        const char *wrong = NULL;
        if (first && (length != strlen(head) || strncmp(line, head, length) != 0))
            wrong = "the first line is another one";
        else if (!first && length > 0)
            wrong = read_line(line, length, ret_text);
        if (wrong != NULL)
            return wrong;
        line += whole + (line[whole] == '\n');
    }
    if (ret_text->name[0] == '\0' || ret_text->curve[0] == '\0' || ret_text->sign[0] == '\0')
        return "name, curve or sign is missing";
    if (!text_is_utf8(ret_text->name, strlen(ret_text->name), &bad))
        return "name is not UTF-8";
    return NULL;
}

static bool read_hex(const char *hex, unsigned char *ret_bytes, size_t length)
{
    size_t found;
    return strlen(hex) == 2 * length && sodium_hex2bin(ret_bytes, length, hex, 2 * length, NULL, &found, NULL) == 0 &&
           found == length;
}

static bool is_curve(const char *text)
{
    uint8_t bytes[32];
    const bool good = strlen(text) == 40 && zmq_z85_decode(bytes, text) != NULL;
    sodium_memzero(bytes, sizeof bytes);
    return good;
}

/* Only its owner may be able to read a secret. */
static enum status check_owner(FILE *file, const char *path, struct fault *why)
{
    struct stat about;
    if (fstat(fileno(file), &about) != 0)
        return refuse(why, MESSAGE_CANNOT_READ, path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return refuse(why, MESSAGE_BAD_KEY_FILE, path, "not a plain file");
    if ((about.st_mode & 077) != 0)
        return refuse(why, MESSAGE_KEY_EXPOSED, path, NULL);
    if (about.st_uid != geteuid())
        return refuse(why, MESSAGE_KEY_OF_ANOTHER, path, NULL);
    return STATUS_OK;
}

static const char *read_secret(const char *bytes, size_t length, struct secret_key *key)
{
    struct key_text text;
    unsigned char seed[crypto_sign_SEEDBYTES], derived[SEAL_SECRET], public_half[SEAL_PUBLIC];
    memset(&text, 0, sizeof text);
    const char *wrong = read_key_text(bytes, length, SECRET_HEAD, &text);
    if (wrong == NULL && (!is_curve(text.curve) || zmq_curve_public(key->public_key.curve, text.curve) != 0))
        wrong = "curve is not 40 characters of Z85";
    if (wrong == NULL && !read_hex(text.sign, key->sign, SEAL_SECRET))
        wrong = "sign is not 128 hexadecimal digits";
    if (wrong == NULL) {
        /* An ed25519 secret is its seed and its public half: one that does not match would sign what nobody can verify. */
        (void)crypto_sign_ed25519_sk_to_seed(seed, key->sign);
        (void)crypto_sign_seed_keypair(public_half, derived, seed);
        if (sodium_memcmp(derived, key->sign, SEAL_SECRET) != 0)
            wrong = "sign is damaged";
        memcpy(key->public_key.sign, public_half, SEAL_PUBLIC);
        memcpy(key->curve, text.curve, sizeof key->curve);
        memcpy(key->public_key.name, text.name, sizeof key->public_key.name);
    }
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(derived, sizeof derived);
    sodium_memzero(&text, sizeof text);
    return wrong;
}

enum status keys_load_secret(const char *path, struct secret_key *ret_key, struct fault *why)
{
    struct secret_key key;
    char *bytes = NULL;
    size_t length = 0;
    memset(&key, 0, sizeof key);
    FILE *file = file_open(path);
    if (file == NULL)
        return refuse(why, MESSAGE_CANNOT_READ, path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of the secret in a buffer that nobody wipes */
    enum status status = check_owner(file, path, why);
    if (status == STATUS_OK)
        status = file_read_from(file, path, KEY_FILE_BYTES, &bytes, &length, why);
    if (status == STATUS_OK) {
        const char *wrong = read_secret(bytes, length, &key);
        if (wrong != NULL) {
            status = refuse(why, MESSAGE_BAD_KEY_FILE, path, wrong);
        } else {
            (void)sodium_mlock(ret_key, sizeof *ret_key); /* neither swapped out nor in a core dump, where that is allowed */
            *ret_key = key;
        }
    }
    if (bytes != NULL)
        sodium_memzero(bytes, length);
    free(bytes);
    keys_forget(&key);
    (void)fclose(file); /* only read */
    return status;
}

enum status keys_load_public(const char *path, struct public_key *ret_key, struct fault *why)
{
    struct public_key key;
    struct key_text text;
    char *bytes = NULL;
    size_t length;
    memset(&text, 0, sizeof text);
    memset(&key, 0, sizeof key);
    const enum status status = file_read(path, KEY_FILE_BYTES, &bytes, &length, why);
    if (status != STATUS_OK)
        return status;
    const char *wrong = read_key_text(bytes, length, PUBLIC_HEAD, &text);
    if (wrong == NULL && !is_curve(text.curve))
        wrong = "curve is not 40 characters of Z85";
    if (wrong == NULL && !read_hex(text.sign, key.sign, SEAL_PUBLIC))
        wrong = "sign is not 64 hexadecimal digits";
    free(bytes);
    if (wrong != NULL)
        return refuse(why, MESSAGE_BAD_KEY_FILE, path, wrong);
    memcpy(key.name, text.name, sizeof key.name);
    memcpy(key.curve, text.curve, sizeof key.curve);
    *ret_key = key;
    return STATUS_OK;
}

void keys_forget(struct secret_key *key)
{
    (void)sodium_munlock(key, sizeof *key); /* wipes it first; whether it was locked makes no difference */
}
