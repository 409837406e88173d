// The yardstick for Redis: a bare blocking hiredis reader that throws messages away.
//   reader PORT CHANNEL COUNT
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: reader PORT CHANNEL COUNT\n"), 64;
    redisContext *redis = redisConnect("127.0.0.1", atoi(argv[1]));
    if (!redis || redis->err) return fprintf(stderr, "cannot connect\n"), 1;
    void *reply = redisCommand(redis, "SUBSCRIBE %s", argv[2]);
    freeReplyObject(reply);
    puts("{}");
    fflush(stdout);
    for (long left = atol(argv[3]); left > 0; left--) {
        if (redisGetReply(redis, &reply) != REDIS_OK) return fprintf(stderr, "lost\n"), 1;
        freeReplyObject(reply);
    }
    puts("{}");
    fflush(stdout);
    getchar();
}
