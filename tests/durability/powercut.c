/* Records what a process asks of the disk below one directory: every write, truncation, name and sync, in order.
 *
 * Preloaded into the program under test. Each call is made and recorded under one lock, so the record is the order in which the
 * kernel was asked. What the kernel would keep after a power cut is worked out from the record by powercut.py.
 *
 *   POWERCUT_DIRECTORY  absolute path; what lies below is recorded, but for SQLite's shared memory (-shm), which no crash outlives
 *   POWERCUT_RECORD     the file that the record is appended to
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { WRITE = 1, TRUNCATE, SYNC, NAME, UNLINK, RENAME, SYNC_DIRECTORY, NOTE };

struct head {
    uint32_t kind, file;
    uint64_t offset, length;
};

#define FILES 4096
static struct { char path[512]; uint32_t id; } names[FILES]; /* what each name means now; an empty path is a free place */
static struct { uint32_t id; char directory; char path[512]; } open_files[FILES]; /* by descriptor */
static uint32_t last_id;
static int record = -1;
static const char *below;
static size_t below_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = dlsym(RTLD_NEXT, #name)

static ssize_t plain_write(int fd, const void *data, size_t length) {
    REAL(write, ssize_t, int, const void *, size_t);
    return real(fd, data, length);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POWERCUT_RECORD");
    below = getenv("POWERCUT_DIRECTORY");
    if (!path || !below) return;
    below_length = strlen(below);
    REAL(open, int, const char *, int, ...);
    record = real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(enum kind kind, uint32_t file, uint64_t offset, const void *data, uint64_t length) {
    struct head head = {kind, file, offset, length};
    if (plain_write(record, &head, sizeof head) != sizeof head || plain_write(record, data, length) != (ssize_t)length) abort();
}

static int watched(const char *path) {
    size_t length = strlen(path);
    if (record < 0 || strncmp(path, below, below_length) || (path[below_length] && path[below_length] != '/') || length >= 512) return 0;
    return length < 4 || strcmp(path + length - 4, "-shm");
}

static uint32_t *meaning(const char *path, int make) {
    int free_place = -1;
    for (int i = 0; i < FILES; i++) {
        if (!names[i].path[0]) { if (free_place < 0) free_place = i; continue; }
        if (!strcmp(names[i].path, path)) return &names[i].id;
    }
    if (!make) return NULL;
    if (free_place < 0) abort();
    strcpy(names[free_place].path, path);
    names[free_place].id = 0;
    return &names[free_place].id;
}

static void forget(const char *path) {
    for (int i = 0; i < FILES; i++)
        if (!strcmp(names[i].path, path)) names[i].path[0] = 0;
}

/* A file that was there before is told by a NAME with offset 0, a new one with offset 1. */
static void opened(int fd, const char *path, int flags, int existed) {
    if (fd < 0 || fd >= FILES) return;
    open_files[fd].id = 0;
    if (!watched(path)) return;
    struct stat status;
    if (fstat(fd, &status)) return;
    open_files[fd].directory = S_ISDIR(status.st_mode);
    strcpy(open_files[fd].path, path);
    if (S_ISDIR(status.st_mode)) { open_files[fd].id = UINT32_MAX; return; }
    if (!existed) forget(path);
    uint32_t *id = meaning(path, 1);
    if (!*id) { *id = ++last_id; put(NAME, *id, !existed, path, strlen(path)); }
    else if (flags & O_TRUNC) put(TRUNCATE, *id, 0, "", 0);
    open_files[fd].id = *id;
}

static int open_it(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    if (!path || !watched(path)) {
        int fd = real(path, flags, mode);
        if (fd >= 0 && fd < FILES) open_files[fd].id = 0;
        return fd;
    }
    pthread_mutex_lock(&lock);
    int existed = access(path, F_OK) == 0, fd = real(path, flags, mode), kept = errno;
    opened(fd, path, flags, existed);
    pthread_mutex_unlock(&lock);
    errno = kept;
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        REAL(name, int, const char *, int, ...); \
        return open_it(real, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

static uint32_t id_of(int fd) { return fd >= 0 && fd < FILES ? open_files[fd].id : 0; }

int close(int fd) {
    REAL(close, int, int);
    if (fd >= 0 && fd < FILES) open_files[fd].id = 0;
    return real(fd);
}

static void wrote(int fd, const void *data, ssize_t length, off_t offset) {
    if (length > 0) put(WRITE, id_of(fd), offset, data, length);
}

ssize_t write(int fd, const void *data, size_t length) {
    if (!id_of(fd)) return plain_write(fd, data, length);
    pthread_mutex_lock(&lock);
    ssize_t done = plain_write(fd, data, length);
    int kept = errno;
    wrote(fd, data, done, lseek(fd, 0, SEEK_CUR) - (done > 0 ? done : 0));
    pthread_mutex_unlock(&lock);
    errno = kept;
    return done;
}

#define PWRITE(name) \
    ssize_t name(int fd, const void *data, size_t length, off_t offset) { \
        REAL(name, ssize_t, int, const void *, size_t, off_t); \
        if (!id_of(fd)) return real(fd, data, length, offset); \
        pthread_mutex_lock(&lock); \
        ssize_t done = real(fd, data, length, offset); \
        int kept = errno; \
        wrote(fd, data, done, offset); \
        pthread_mutex_unlock(&lock); \
        errno = kept; \
        return done; \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define FTRUNCATE(name) \
    int name(int fd, off_t size) { \
        REAL(name, int, int, off_t); \
        if (!id_of(fd)) return real(fd, size); \
        pthread_mutex_lock(&lock); \
        int failed = real(fd, size), kept = errno; \
        if (!failed) put(TRUNCATE, id_of(fd), size, "", 0); \
        pthread_mutex_unlock(&lock); \
        errno = kept; \
        return failed; \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

/* Recorded after the kernel said that it is done: a sync that was cut off promised nothing. */
#define FSYNC(name) \
    int name(int fd) { \
        REAL(name, int, int); \
        if (!id_of(fd)) return real(fd); \
        pthread_mutex_lock(&lock); \
        int failed = real(fd), kept = errno; \
        if (!failed && open_files[fd].directory) put(SYNC_DIRECTORY, 0, 0, open_files[fd].path, strlen(open_files[fd].path)); \
        else if (!failed) put(SYNC, id_of(fd), 0, "", 0); \
        pthread_mutex_unlock(&lock); \
        errno = kept; \
        return failed; \
    }
FSYNC(fsync)
FSYNC(fdatasync)

int unlink(const char *path) {
    REAL(unlink, int, const char *);
    if (!watched(path)) return real(path);
    pthread_mutex_lock(&lock);
    int failed = real(path), kept = errno;
    if (!failed) { forget(path); put(UNLINK, 0, 0, path, strlen(path)); }
    pthread_mutex_unlock(&lock);
    errno = kept;
    return failed;
}

int rename(const char *from, const char *to) {
    REAL(rename, int, const char *, const char *);
    if (!watched(from) && !watched(to)) return real(from, to);
    pthread_mutex_lock(&lock);
    int failed = real(from, to), kept = errno;
    if (!failed) {
        char both[1024];
        size_t first = strlen(from), second = strlen(to);
        memcpy(both, from, first + 1);
        memcpy(both + first + 1, to, second);
        uint32_t *old = meaning(from, 0), id = old ? *old : 0;
        forget(from);
        forget(to);
        if (id) *meaning(to, 1) = id;
        put(RENAME, id, 0, both, first + 1 + second);
    }
    pthread_mutex_unlock(&lock);
    errno = kept;
    return failed;
}

/* What the program wants remembered in the same order as its writes, such as what it acknowledged. */
void powercut_note(const char *text, uint64_t length) {
    pthread_mutex_lock(&lock);
    put(NOTE, 0, 0, text, length);
    pthread_mutex_unlock(&lock);
}

/* Ways to copy that this record doesn't understand: programs fall back to reading and writing. */
ssize_t sendfile(int to, int from, off_t *offset, size_t count) { (void)to; (void)from; (void)offset; (void)count; errno = EINVAL; return -1; }
ssize_t sendfile64(int to, int from, off_t *offset, size_t count) { return sendfile(to, from, offset, count); }
ssize_t copy_file_range(int from, off_t *at, int to, off_t *put_at, size_t count, unsigned flags) {
    (void)from; (void)at; (void)to; (void)put_at; (void)count; (void)flags; errno = ENOSYS; return -1;
}
