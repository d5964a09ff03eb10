#include "ccompression.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>
#ifdef SKIFF_IGZIP
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

// 64 MB: what `zstd -19 --long=26` may ask for. With it three layers at a time stay below 256 MB.
enum { CC_WINDOW_LOG = 26 };

struct cc_stream {
    int kind;
    // The last member ended: the next byte begins another.
    int at_end;
    ZSTD_DStream *zstd;
#ifdef SKIFF_IGZIP
    struct inflate_state gzip;
#else
    z_stream gzip;
#endif
};

static int gzip_begin(cc_stream *stream) {
#ifdef SKIFF_IGZIP
    isal_inflate_init(&stream->gzip);
    stream->gzip.crc_flag = ISAL_GZIP;
    return 0;
#else
    // 15 bits of window, 16 for the gzip wrapper and nothing else.
    return inflateInit2(&stream->gzip, 15 + 16) == Z_OK ? 0 : CC_NO_MEMORY;
#endif
}

cc_stream *cc_new(int kind) {
    cc_stream *stream = calloc(1, sizeof *stream);
    if (!stream) return NULL;
    stream->kind = kind;
    int failed = 0;
    if (kind == CC_ZSTD) {
        stream->zstd = ZSTD_createDStream();
        failed = !stream->zstd ||
                 ZSTD_isError(ZSTD_DCtx_setParameter(stream->zstd, ZSTD_d_windowLogMax, CC_WINDOW_LOG));
    } else {
        failed = gzip_begin(stream) != 0;
    }
    if (failed) {
        cc_free(stream);
        return NULL;
    }
    return stream;
}

void cc_free(cc_stream *stream) {
    if (!stream) return;
    ZSTD_freeDStream(stream->zstd);
#ifndef SKIFF_IGZIP
    if (stream->kind == CC_GZIP) inflateEnd(&stream->gzip);
#endif
    free(stream);
}

static int zstd_step(cc_stream *stream, const void *input, size_t input_size, size_t *taken, void *output,
                     size_t output_size, size_t *made) {
    ZSTD_inBuffer in = {input, input_size, 0};
    ZSTD_outBuffer out = {output, output_size, 0};
    size_t result = ZSTD_decompressStream(stream->zstd, &out, &in);
    *taken = in.pos;
    *made = out.pos;
    if (result == 0) return CC_END;
    if (!ZSTD_isError(result)) return CC_MORE;
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_checksum_wrong: return CC_CHECKSUM;
    case ZSTD_error_frameParameter_windowTooLarge: return CC_TOO_LARGE;
    case ZSTD_error_memory_allocation: return CC_NO_MEMORY;
    default: return CC_DAMAGED;
    }
}

static int gzip_step(cc_stream *stream, const void *input, size_t input_size, size_t *taken, void *output,
                     size_t output_size, size_t *made) {
    // Both libraries read through a pointer that is not const.
    uint8_t *next = (uint8_t *)(uintptr_t)input;
    uint32_t room = output_size > INT_MAX ? INT_MAX : (uint32_t)output_size;
    uint32_t rest = input_size > INT_MAX ? INT_MAX : (uint32_t)input_size;
#ifdef SKIFF_IGZIP
    if (stream->at_end) {
        isal_inflate_reset(&stream->gzip);
        stream->gzip.crc_flag = ISAL_GZIP;
    }
#else
    if (stream->at_end && inflateReset(&stream->gzip) != Z_OK) return CC_DAMAGED;
#endif
    stream->at_end = 0;
    stream->gzip.next_in = next;
    stream->gzip.avail_in = rest;
    stream->gzip.next_out = output;
    stream->gzip.avail_out = room;
#ifdef SKIFF_IGZIP
    int result = isal_inflate(&stream->gzip);
    stream->at_end = result == ISAL_DECOMP_OK && stream->gzip.block_state == ISAL_BLOCK_FINISH;
#else
    int result = inflate(&stream->gzip, Z_NO_FLUSH);
    stream->at_end = result == Z_STREAM_END;
#endif
    *taken = rest - stream->gzip.avail_in;
    *made = room - stream->gzip.avail_out;
    if (stream->at_end) return CC_END;
    switch (result) {
#ifdef SKIFF_IGZIP
    case ISAL_DECOMP_OK:
    case ISAL_END_INPUT: return CC_MORE;
    case ISAL_INCORRECT_CHECKSUM: return CC_CHECKSUM;
#else
    case Z_OK:
    case Z_BUF_ERROR: return CC_MORE;
    case Z_MEM_ERROR: return CC_NO_MEMORY;
    // zlib has one number for both and tells them apart by words.
    case Z_DATA_ERROR:
        return stream->gzip.msg && !strcmp(stream->gzip.msg, "incorrect data check") ? CC_CHECKSUM : CC_DAMAGED;
#endif
    default: return CC_DAMAGED;
    }
}

int cc_step(cc_stream *stream, const void *input, size_t input_size, size_t *taken, void *output, size_t output_size,
            size_t *made) {
    *taken = 0;
    *made = 0;
    return (stream->kind == CC_ZSTD ? zstd_step : gzip_step)(stream, input, input_size, taken, output, output_size, made);
}

const char *cc_gzip_library(void) {
#ifdef SKIFF_IGZIP
    return "igzip";
#else
    return "zlib";
#endif
}
