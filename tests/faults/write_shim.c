/* Preloaded into a test process: ends it, tears the write, or fails the call, at the N-th call that changes the disk.
 *
 * tg_arm(at, mode, error) starts counting; modes: 0 die before, 1 die after, 2 write half and die, 3 return `error`,
 * 4 write half and return `error`. tg_calls() is how many such calls there were since. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

enum { DIE_BEFORE, DIE_AFTER, DIE_HALF, FAIL, FAIL_HALF };
static int armed, mode, error;
static long calls, target;

void tg_arm(long at, int how, int with) { calls = 0; target = at; mode = how; error = with; armed = 1; }
long tg_calls(void) { return calls; }

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

static int hit(void) {
    if (!armed || ++calls != target) return 0;
    if (mode == DIE_BEFORE) die();
    return 1;
}

#define NEXT(name) static __typeof__(name) *next; if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define PLAIN(call) { int now = hit(); \
    if (now && (mode == FAIL || mode == FAIL_HALF)) { errno = error; return -1; } \
    __typeof__(call) result = (call); if (now) die(); return result; }
#define WRITE(whole, half) { int now = hit(); \
    if (now && mode == FAIL) { errno = error; return -1; } \
    if (now && mode == DIE_HALF) { (void)!(half); die(); } \
    if (now && mode == FAIL_HALF) { (void)!(half); errno = error; return -1; } \
    ssize_t result = (whole); if (now) die(); return result; }

ssize_t write(int fd, const void *data, size_t size) {
    NEXT(write);
    if (fd <= 2) return next(fd, data, size);
    WRITE(next(fd, data, size), next(fd, data, size / 2))
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    NEXT(pwrite64);
    WRITE(next(fd, data, size, at), next(fd, data, size / 2, at))
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }
int fsync(int fd) { NEXT(fsync); PLAIN(next(fd)) }
int fdatasync(int fd) { NEXT(fdatasync); PLAIN(next(fd)) }
int unlink(const char *path) { NEXT(unlink); PLAIN(next(path)) }
int rename(const char *from, const char *to) { NEXT(rename); PLAIN(next(from, to)) }
int ftruncate64(int fd, off64_t size) { NEXT(ftruncate64); PLAIN(next(fd, size)) }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int fchmod(int fd, mode_t bits) { NEXT(fchmod); PLAIN(next(fd, bits)) }
