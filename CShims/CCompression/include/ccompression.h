// Streams of gzip and zstd read plain. gzip goes through ISA-L's igzip where its header was found, else through zlib;
// zstd through libzstd. One member (gzip) or frame (zstd) at a time: what follows is the caller's decision.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct cc_stream cc_stream;

enum {
    CC_GZIP = 1,
    CC_ZSTD = 2,
};

// What a step came to.
enum {
    CC_MORE = 0,          // goes on: give more input, or more room
    CC_END = 1,           // a member or frame ended, checksums are right; the next step begins another
    CC_DAMAGED = -1,      // the bytes are not what the format allows
    CC_CHECKSUM = -2,     // the content is not what its checksum says
    CC_TOO_LARGE = -3,    // the frame wants a larger window than is given to it
    CC_NO_MEMORY = -4,
};

// A stream that has read nothing; NULL without memory.
cc_stream *cc_new(int kind);
void cc_free(cc_stream *stream);

// Takes from `input` and writes to `output`; says how much of both in `taken` and `made`.
int cc_step(cc_stream *stream, const void *input, size_t input_size, size_t *taken, void *output, size_t output_size,
            size_t *made);

// Which library reads gzip: "igzip" or "zlib".
const char *cc_gzip_library(void);
