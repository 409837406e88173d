// The yardstick: what a fan-out costs when there is nothing but the kernel. Every frame that any client sends goes to all
// clients, the frames of one read as one send() each. No session, no limits, no ping, no partial writes: it aborts instead.
//   server PORT
#include "common.h"

enum { MAX_CLIENTS = 70000, READ_BYTES = 1 << 18 };
static int clients[MAX_CLIENTS], count;
static unsigned char in[READ_BYTES], out[READ_BYTES];

static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

// Turns masked frames into ready ones. Returns their bytes; a read ends with a frame here, for the client sees to it.
static size_t unmask(size_t length) {
    size_t from = 0, to = 0;
    while (from + 6 <= length) {
        unsigned char opcode = in[from];
        size_t payload = in[from + 1] & 127, header = 2;
        if (payload == 126) payload = (size_t)in[from + 2] << 8 | in[from + 3], header = 4;
        const unsigned char *key = in + from + header, *body = key + 4;
        out[to] = opcode;
        memcpy(out + to + 1, in + from + 1, header - 1);
        out[to + 1] &= 127;
        for (size_t i = 0; i < payload; i++) out[to + header + i] = body[i] ^ key[i & 3];
        from += header + 4 + payload;
        to += header + payload;
    }
    return to;
}

static void leave(int fd) {
    close(fd);
    for (int i = 0; i < count; i++)
        if (clients[i] == fd) clients[i] = clients[--count];
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "usage: server PORT\n"), 64;
    raise_file_limit();
    int listener = listen_on(argv[1], 8192), one = 1;
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                if ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0) continue;
                if (count == MAX_CLIENTS) die("too many clients");
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event.data.fd = fd;
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                continue;
            }
            ssize_t got = recv(fd, in, sizeof in, 0);
            if (got <= 0) {
                leave(fd);
            } else if (in[0] == 'G') {
                if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) die("answer");
                clients[count++] = fd;
            } else {
                size_t bytes = unmask(got);
                for (int k = 0; k < count; k++)
                    if (send(clients[k], out, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) die("send");
            }
        }
    }
}
