// Counts allocations of a process: preload it; SIGUSR2 appends the count so far as a line to the file ALLOCATIONS_FILE.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t count;

void *malloc(size_t size) {
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    return __libc_calloc(items, size);
}

void *realloc(void *old, size_t size) {
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

static void tell(int signal_number) {
    (void)signal_number;
    const char *path = getenv("ALLOCATIONS_FILE");
    int saved = errno, fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
    if (fd >= 0) {
        char digits[24];
        size_t n = sizeof digits;
        digits[--n] = '\n';
        for (uint64_t value = atomic_load(&count); n > 0; value /= 10) {
            digits[--n] = '0' + value % 10;
            if (value < 10) break;
        }
        if (write(fd, digits + n, sizeof digits - n) < 0) { /* the reader sees that nothing came */ }
        close(fd);
    }
    errno = saved;
}

__attribute__((constructor)) static void listen_for_signal(void) {
    struct sigaction action = {.sa_handler = tell, .sa_flags = SA_RESTART};
    sigaction(SIGUSR2, &action, NULL);
}
