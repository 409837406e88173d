// Well-behaved clients beside an attack: raw WebSockets on one channel, of which the first publishes. They stay for hours,
// answer pings, and check that each hears every publication once and in order.
//   neighbours PORT CLIENTS [tls]
// Then it obeys its input, one answer line each:   measure RATE MS
// p99 is over all deliveries, from the moment of sending, so that the sender's own lateness is not the node's.
#include "common.h"
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/timerfd.h>

enum { MAX_CLIENTS = 1000, BUCKETS = 1 << 17, BUCKET_NS = 5000, PAYLOAD = 120, INPUT = MAX_CLIENTS, TIMER };
static struct client {
    int fd, is_gone;
    SSL *tls;
    int64_t next;
    size_t length;
    unsigned char bytes[16384];
} clients[MAX_CLIENTS];
static int count, epoll, timer, gone;
static uint32_t histogram[BUCKETS];
static int64_t received, wrong, longest, sequence;

static SSL_CTX *context;

static ssize_t give(struct client *c, const void *bytes, size_t length) {
    return c->tls ? SSL_write(c->tls, bytes, length) : send(c->fd, bytes, length, MSG_NOSIGNAL);
}

// As recv: 0 at the end, -1 and EAGAIN where there is nothing.
static ssize_t take(struct client *c, void *bytes, size_t length) {
    if (!c->tls) return recv(c->fd, bytes, length, 0);
    ERR_clear_error();
    int got = SSL_read(c->tls, bytes, length);
    if (got > 0) return got;
    errno = EAGAIN;
    return SSL_get_error(c->tls, got) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static void send_frame(struct client *c, int opcode, const void *payload, size_t length) {
    unsigned char frame[136] = {0x80 | opcode, 0x80 | length};
    memcpy(frame + 6, payload, length);
    if (give(c, frame, length + 6) != (ssize_t)length + 6) die("send");
}

static void leave(struct client *c) {
    if (c->is_gone) return;
    c->is_gone = 1, gone++;
    epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
}

static void hear(struct client *c, const unsigned char *payload, size_t length, int64_t now) {
    char text[PAYLOAD + 1] = {0};
    long long number = -1, sent = 0;
    memcpy(text, payload, length < PAYLOAD ? length : PAYLOAD);
    if (length != PAYLOAD || sscanf(text, "%lld %lld", &number, &sent) != 2 || number != c->next) wrong++;
    if (number >= c->next) c->next = number + 1;
    int64_t took = now - sent;
    received++;
    histogram[took / BUCKET_NS < BUCKETS ? took / BUCKET_NS : BUCKETS - 1]++;
    if (took > longest) longest = took;
}

static void read_client(struct client *c) {
    ssize_t got = take(c, c->bytes + c->length, sizeof c->bytes - c->length);
    int64_t now = now_ns();
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return leave(c);
    c->length += got;
    size_t at = 0;
    while (c->length - at >= 2) {
        const unsigned char *frame = c->bytes + at;
        size_t payload = frame[1] & 127, opcode = frame[0] & 15;
        // Nothing longer than a publication comes.
        if (payload > 125) return leave(c);
        if (c->length - at < 2 + payload) break;
        if (opcode == 9) send_frame(c, 10, frame + 2, payload);
        if (opcode == 8) return leave(c);
        if (opcode == 1) hear(c, frame + 2, payload, now);
        at += 2 + payload;
    }
    memmove(c->bytes, c->bytes + at, c->length -= at);
    // What TLS has read and not given yet is nothing that epoll knows of.
    if (c->tls && SSL_pending(c->tls) > 0) read_client(c);
}

static void open_client(struct client *c, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (context) {
        c->tls = SSL_new(context);
        SSL_set_fd(c->tls, c->fd);
        if (SSL_connect(c->tls) != 1) die("tls");
    }
    static const char request[] = "GET /channels/neighbours/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    if (give(c, request, sizeof request - 1) != sizeof request - 1) die("request");
    char answer[2048] = {0};
    for (size_t n = 0; n < 4 || memcmp(answer + n - 4, "\r\n\r\n", 4); n++)
        if (n == sizeof answer - 1 || take(c, answer + n, 1) != 1) die("upgrade");
    if (memcmp(answer, "HTTP/1.1 101", 12)) fprintf(stderr, "no upgrade: %s", answer), exit(1);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = c - clients};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

// Hears what comes until the timer or the input says something.
static int wait_for_other(int timeout_ms) {
    struct epoll_event events[256];
    int other = -1, ready = epoll_wait(epoll, events, 256, timeout_ms);
    for (int e = 0; e < ready; e++)
        if (events[e].data.u32 < MAX_CLIENTS) read_client(clients + events[e].data.u32);
        else other = events[e].data.u32;
    return other;
}

static double quantile(double share) {
    int64_t seen = 0;
    for (int b = 0; b < BUCKETS; b++)
        if ((seen += histogram[b]) >= share * received) return (b + 0.5) * BUCKET_NS / 1e6;
    return 0;
}

static void measure(int rate, int milliseconds) {
    memset(histogram, 0, sizeof histogram);
    received = wrong = longest = 0;
    int64_t all = (int64_t)rate * milliseconds / 1000, step = 1000000000LL / rate, due = 0;
    struct itimerspec every = {.it_interval.tv_nsec = step, .it_value.tv_nsec = step};
    timerfd_settime(timer, 0, &every, NULL);
    for (int64_t sent = 0; sent < all;) {
        uint64_t ticks;
        if (wait_for_other(-1) == TIMER && read(timer, &ticks, sizeof ticks) == sizeof ticks) due += ticks;
        for (; sent < due && sent < all && !clients[0].is_gone; sent++) {
            char text[PAYLOAD + 1];
            snprintf(text, sizeof text, "%lld %lld %0110d", (long long)sequence++, (long long)now_ns(), 0);
            send_frame(clients, 1, text, PAYLOAD);
        }
        if (clients[0].is_gone) break;
    }
    struct itimerspec never = {0};
    timerfd_settime(timer, 0, &never, NULL);
    // Until everyone has everything, or nothing has come for five seconds.
    int64_t before = -1, since = now_ns(), missing = 1;
    while (missing && now_ns() - since < 5000000000LL) {
        wait_for_other(100);
        if (received != before) before = received, since = now_ns();
        missing = 0;
        for (int i = 0; i < count; i++) missing += sequence - clients[i].next;
    }
    printf("{\"expected\":%lld,\"received\":%lld,\"missing\":%lld,\"wrong\":%lld,\"gone\":%d,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           (long long)(all * count), (long long)received, (long long)missing, (long long)wrong, gone, quantile(0.5),
           quantile(0.99), longest / 1e6);
}

int main(int argc, char **argv) {
    if (argc < 3) return fprintf(stderr, "usage: neighbours PORT CLIENTS [tls]\n"), 64;
    count = atoi(argv[2]);
    if (count < 1 || count > MAX_CLIENTS) return 64;
    if (argc > 3) context = SSL_CTX_new(TLS_client_method());
    raise_file_limit();
    setvbuf(stdout, NULL, _IOLBF, 0);
    epoll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    for (int i = 0; i < count; i++) open_client(clients + i, atoi(argv[1]));
    struct epoll_event input = {.events = EPOLLIN, .data.u32 = INPUT}, tick = {.events = EPOLLIN, .data.u32 = TIMER};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &tick);
    printf("{}\n");
    for (;;) {
        if (wait_for_other(-1) != INPUT) continue;
        // One command at a time, so that nothing of the next is swallowed here.
        char line[100] = {0};
        int rate, milliseconds;
        if (read(0, line, sizeof line - 1) <= 0) return 0;
        if (sscanf(line, "measure %d %d", &rate, &milliseconds) != 2) return fprintf(stderr, "unknown: %s", line), 64;
        epoll_ctl(epoll, EPOLL_CTL_DEL, 0, NULL);
        measure(rate, milliseconds);
        epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
    }
}
