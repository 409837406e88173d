// zlib's raw DEFLATE streams, for permessage-deflate. The macros that begin a stream are functions here.
#pragma once
#include <zlib.h>

static inline int fanfare_deflate_begin(z_streamp stream, int level, int window_bits, int memory_level) {
    return deflateInit2(stream, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY);
}

static inline int fanfare_inflate_begin(z_streamp stream, int window_bits) { return inflateInit2(stream, -window_bits); }
