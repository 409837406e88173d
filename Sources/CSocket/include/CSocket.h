#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

// send(2) and sendmsg(2) that never block, without the C library's part around them.
//
// In a program with threads, glibc makes each call a cancellation point: two locked instructions and forty others before and
// behind the call to the kernel, which a thread that is never cancelled pays for every delivery. The answers and errno are the same.

static inline ssize_t csocket_send(int descriptor, const void *bytes, size_t count, int flags) {
#if defined(__linux__)
    return syscall(SYS_sendto, descriptor, bytes, count, flags, NULL, 0);
#else
    return send(descriptor, bytes, count, flags);
#endif
}

static inline ssize_t csocket_sendmsg(int descriptor, const struct msghdr *message, int flags) {
#if defined(__linux__)
    return syscall(SYS_sendmsg, descriptor, message, flags);
#else
    return sendmsg(descriptor, message, flags);
#endif
}
