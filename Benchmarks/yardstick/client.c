// Raw WebSocket clients that count and throw away (MSG_TRUNC), for the yardstick and the node alike. Client 0 publishes.
//   client PORT[,PORT…] CLIENTS CHANNELS PAYLOAD_BYTES [PAYLOAD_FILE FRAME_BYTES | TRANSPORT FRAME_BYTES]
// With a file it offers permessage-deflate, publishes what is in the file, and takes frames of that size for it. With a transport,
// `sse` or `stream`, all but client 0 read that, in frames of that size; with `socketio` all are clients of Socket.IO on a WebSocket, who
// subscribe and publish with events of these names.
// Clients are spread over ports and channels in turn. Then it obeys the lines of its input, one answer line each:
//   connect              connects and upgrades all
//   rounds N BURST       N times: publishes BURST messages with one send, waits until everyone in channel 0 has them
//   open RATE MS BURST   publishes RATE a second in bursts, for so long, never waiting; then waits for the rest
//   each N               N times: every client publishes one message to its own channel, waits until all have it
//   receive N            waits until everyone in channel 0 has N messages that somebody else publishes
//   idle MS              answers pings
//   pong                 all clients of Socket.IO say that they live; pings are passed over, three bytes beside thousands
//   freeze N             the last N clients stop reading
//   close                closes all sockets at once
#include "common.h"

enum { MAX_CLIENTS = 70000, FRAMES = 1 << 20, BUCKETS = 1 << 16, BUCKET_NS = 20000 };
static int ports[16], port_count, client_count, channels, payload, epoll;
static int fds[MAX_CLIENTS], is_frozen[MAX_CLIENTS], is_lost[MAX_CLIENTS];
static int64_t received[MAX_CLIENTS], sent_at[FRAMES];
static uint32_t histogram[BUCKETS];
static unsigned char burst_bytes[1 << 18];
static size_t frame_bytes, stream_bytes;
static const char *stream;
static int is_socketio;
static unsigned char text[60000];
static const char *offer = "";
// Whole frames that came.
static int64_t total;

static void send_all(int fd, const void *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t n = send(fd, (const char *)bytes + done, length - done, MSG_NOSIGNAL);
        if (n < 0) die("send");
        done += n;
    }
}

static size_t masked(unsigned char *to) {
    size_t n = 0;
    to[n++] = 0x81;
    if (payload < 126) {
        to[n++] = 0x80 | payload;
    } else {
        to[n++] = 0x80 | 126, to[n++] = payload >> 8, to[n++] = payload & 255;
    }
    memset(to + n, 0, 4);
    memcpy(to + n + 4, text, payload);
    return n + 4 + payload;
}

static void connect_one(int i) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ports[i % port_count]),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    char request[320];
    int n = is_socketio
        ? snprintf(request, sizeof request,
                   "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        : stream && i > 0
        ? snprintf(request, sizeof request, "GET /channels/c%d/%s HTTP/1.1\r\nHost: a\r\n\r\n", i % channels, stream)
        : snprintf(request, sizeof request,
                   "GET /channels/c%d/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", i % channels, offer);
    send_all(fd, request, n);
    fds[i] = fd;
}

static size_t read_until(int i, char *answer, size_t n, const char *end) {
    size_t length = strlen(end), first = n;
    while (n < first + length || memcmp(answer + n - length, end, length)) {
        ssize_t got = recv(fds[i], answer + n, 1, 0);
        if (got <= 0 || ++n == 2048) die("upgrade");
    }
    return n;
}

// A packet in a frame of its own; its mask is zeros.
static void say(int i, const char *packet) {
    unsigned char frame[132] = {0x81, 0x80 | strlen(packet)};
    memcpy(frame + 6, packet, strlen(packet));
    send_all(fds[i], frame, 6 + strlen(packet));
}

// Handshake, namespace, room; nothing more comes then before something is published.
static void join(int i, char *answer, size_t n) {
    char subscribe[64];
    n = read_until(i, answer, n, "}");
    say(i, "40");
    n = read_until(i, answer, n, "\"}");
    snprintf(subscribe, sizeof subscribe, "420[\"subscribe\",\"c%d\"]", i % channels);
    say(i, subscribe);
    read_until(i, answer, n, "}]");
}

static void finish_connect(int i) {
    char answer[2048];
    int is_stream = stream && i > 0;
    size_t n = read_until(i, answer, 0, "\r\n\r\n");
    if (memcmp(answer, is_stream ? "HTTP/1.1 200" : "HTTP/1.1 101", 12)) {
        answer[n] = 0;
        fprintf(stderr, "no upgrade: %s", answer);
        exit(1);
    }
    // Events begin with a chunk that says when to come back.
    if (is_stream && !strcmp(stream, "sse")) read_until(i, answer, n, "\n\r\n");
    if (is_socketio) join(i, answer, n);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
}

// In waves, so that the server's backlog is never the limit.
static void connect_all(void) {
    for (int from = 0; from < client_count; from += 200) {
        int to = from + 200 < client_count ? from + 200 : client_count;
        for (int i = from; i < to; i++) connect_one(i);
        for (int i = from; i < to; i++) finish_connect(i);
    }
}

static void record(int i, ssize_t bytes, int64_t now) {
    int64_t size = is_socketio || (stream && i > 0) ? stream_bytes : frame_bytes, first = received[i] / size;
    received[i] += bytes;
    total += received[i] / size - first;
    for (int64_t k = first; k < received[i] / size; k++) {
        int64_t bucket = (now - sent_at[k % FRAMES]) / BUCKET_NS;
        histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    }
}

// One turn of reading. A socket gives everything at once: the buffer is larger than what the kernel holds for it.
static void drain(int timeout_ms) {
    struct epoll_event events[512];
    int ready = epoll_wait(epoll, events, 512, timeout_ms);
    int64_t now = now_ns();
    for (int e = 0; e < ready; e++) {
        int i = events[e].data.u32;
        ssize_t got = recv(fds[i], NULL, 1 << 24, MSG_TRUNC | MSG_DONTWAIT);
        if (got > 0) {
            record(i, got, now);
        } else if (got == 0 || errno != EAGAIN) {
            is_lost[i] = 1;
            epoll_ctl(epoll, EPOLL_CTL_DEL, fds[i], NULL);
        }
    }
}

static double quantile(double share) {
    uint64_t all = 0, seen = 0;
    for (int b = 0; b < BUCKETS; b++) all += histogram[b];
    for (int b = 0; b < BUCKETS; b++)
        if ((seen += histogram[b]) >= share * all) return (b + 0.5) * BUCKET_NS / 1e6;
    return 0;
}

static int listeners(void) {
    int n = 0;
    for (int i = 0; i < client_count; i++) n += i % channels == 0 && !is_frozen[i] && !is_lost[i];
    return n;
}

static void start(void) {
    memset(received, 0, sizeof received);
    memset(histogram, 0, sizeof histogram);
    total = 0;
}

static void report(int64_t began, int64_t deliveries) {
    printf("{\"deliveries\":%lld,\"lost\":%lld,\"seconds\":%.6f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           (long long)total, (long long)(deliveries - total),
           (now_ns() - began) / 1e9, quantile(0.5), quantile(0.99), quantile(1));
}

// Waits until all have come, or nothing has for five seconds.
static void wait_for(int64_t deliveries) {
    int64_t before = -1, since = now_ns();
    while (total < deliveries) {
        drain(100);
        if (total != before) before = total, since = now_ns();
        else if (now_ns() - since > 5000000000LL) return;
    }
}

static void publish(int64_t first, int burst) {
    size_t length = 0;
    for (int b = 0; b < burst; b++) length += masked(burst_bytes + length);
    int64_t now = now_ns();
    for (int b = 0; b < burst; b++) sent_at[(first + b) % FRAMES] = now;
    send_all(fds[0], burst_bytes, length);
}

static void rounds(int count, int burst) {
    int64_t began = now_ns(), all = 0, n = listeners();
    start();
    for (int r = 0; r < count; r++) {
        publish((int64_t)r * burst, burst);
        wait_for(all += n * burst);
    }
    report(began, all);
}

static void open_loop(int rate, int milliseconds, int burst) {
    int64_t began = now_ns(), sent = 0, all = (int64_t)rate * milliseconds / 1000, n = listeners();
    start();
    while (sent < all) {
        int64_t due = began + sent * 1000000000LL / rate, now = now_ns();
        if (now < due) {
            int64_t ms = (due - now) / 1000000;
            drain(ms > 0 ? (int)ms : 0);
            continue;
        }
        publish(sent, burst);
        sent += burst;
        drain(0);
    }
    wait_for(sent * n);
    report(began, sent * n);
}

static void each(int count) {
    int64_t began = now_ns(), all = 0;
    start();
    for (int r = 0; r < count; r++) {
        unsigned char frame[70000];
        size_t length = masked(frame);
        sent_at[r % FRAMES] = now_ns();
        for (int i = 0; i < client_count; i++) {
            send_all(fds[i], frame, length);
            if (i % 64 == 63) drain(0);
        }
        wait_for(all += client_count);
    }
    report(began, all);
}

static void idle(int milliseconds) {
    static const unsigned char pong[6] = {0x8A, 0x80};
    int64_t end = now_ns() + milliseconds * 1000000LL, pings = 0;
    while (now_ns() < end) {
        struct epoll_event events[512];
        int ready = epoll_wait(epoll, events, 512, 50);
        for (int e = 0; e < ready; e++) {
            static unsigned char bytes[1 << 18];
            int fd = fds[events[e].data.u32];
            if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 2 && bytes[0] == 0x89) {
                send_all(fd, pong, sizeof pong);
                pings++;
            }
        }
    }
    printf("{\"pings\":%lld}\n", (long long)pings);
}

static void freeze(int count) {
    for (int i = client_count - count; i < client_count; i++) {
        is_frozen[i] = 1;
        epoll_ctl(epoll, EPOLL_CTL_DEL, fds[i], NULL);
    }
    printf("{}\n");
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 7)
        return fprintf(stderr, "usage: client PORT[,PORT] CLIENTS CHANNELS PAYLOAD_BYTES [FILE|sse|stream|socketio FRAME_BYTES]\n"), 64;
    raise_file_limit();
    for (char *p = strtok(argv[1], ","); p && port_count < 16; p = strtok(NULL, ",")) ports[port_count++] = atoi(p);
    client_count = atoi(argv[2]), channels = atoi(argv[3]), payload = atoi(argv[4]);
    if (client_count < 1 || client_count > MAX_CLIENTS || channels < 1 || payload < 1 || payload > 60000) return 64;
    frame_bytes = frame_header(payload) + payload;
    memset(text, 'x', payload);
    if (argc == 7 && (!strcmp(argv[5], "sse") || !strcmp(argv[5], "stream"))) {
        stream = argv[5], stream_bytes = atoi(argv[6]);
    } else if (argc == 7 && !strcmp(argv[5], "socketio")) {
        is_socketio = 1, stream_bytes = atoi(argv[6]);
        // What is published is the event around the payload.
        char head[] = "42[\"publish\",\"c0\",\"";
        memcpy(text, head, sizeof head - 1);
        memset(text + sizeof head - 1, 'x', payload);
        memcpy(text + sizeof head - 1 + payload, "\"]", 2);
        payload += sizeof head + 1;
    } else if (argc == 7) {
        FILE *file = fopen(argv[5], "rb");
        if (!file || fread(text, 1, payload, file) != (size_t)payload) die("payload");
        fclose(file);
        frame_bytes = atoi(argv[6]);
        offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    }
    epoll = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        int a = 0, b = 1, c = 1;
        int64_t began = now_ns();
        if (!strncmp(line, "connect", 7)) {
            connect_all();
            printf("{\"seconds\":%.6f}\n", (now_ns() - began) / 1e9);
        } else if (sscanf(line, "rounds %d %d", &a, &b) == 2) {
            rounds(a, b);
        } else if (sscanf(line, "open %d %d %d", &a, &b, &c) == 3) {
            open_loop(a, b, c);
        } else if (sscanf(line, "each %d", &a) == 1) {
            each(a);
        } else if (sscanf(line, "receive %d", &a) == 1) {
            start();
            wait_for((int64_t)a * listeners());
            report(began, (int64_t)a * listeners());
        } else if (sscanf(line, "idle %d", &a) == 1) {
            idle(a);
        } else if (!strncmp(line, "pong", 4)) {
            for (int i = 0; i < client_count; i++) say(i, "3");
            printf("{}\n");
        } else if (sscanf(line, "freeze %d", &a) == 1) {
            freeze(a);
        } else if (!strncmp(line, "close", 5)) {
            for (int i = 0; i < client_count; i++) close(fds[i]);
            printf("{\"seconds\":%.6f}\n", (now_ns() - began) / 1e9);
        } else {
            return fprintf(stderr, "unknown: %s", line), 64;
        }
    }
}
