// What an attack costs the machine when nobody is there to be attacked: takes what comes and throws it away.
//   sink PORT [close]
// The first bytes of a connection get a canned answer as long as a node's; with "close" our half ends behind it.
#include "common.h"

enum { READ_BYTES = 1 << 18, MAX_FILES = 1 << 16 };
static unsigned char in[READ_BYTES], is_answered[MAX_FILES];

static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nFanfare-Node: sink\r\n\r\n"
                             "\x88\x10\x03\xE8protocol error";

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: sink PORT [close]\n"), 64;
    int closes = argc > 2 && !strcmp(argv[2], "close");
    raise_file_limit();
    int listener = listen_on(argv[1], 4096);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                if ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0 || fd >= MAX_FILES) continue;
                event.data.fd = fd;
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                is_answered[fd] = 0;
            } else if (recv(fd, in, sizeof in, 0) <= 0) {
                close(fd);
            } else if (!is_answered[fd]) {
                is_answered[fd] = 1;
                send(fd, answer, sizeof answer - 1 - (closes ? 0 : 18), MSG_NOSIGNAL);
                if (closes) shutdown(fd, SHUT_WR);
            }
        }
    }
}
