#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *buffer;
static size_t used, capacity;
static char closers[64];
static int depth, needs_comma;

static void put(const char *bytes, size_t length) {
    if (used + length > capacity) {
        capacity = (used + length) * 2 + 4096;
        buffer = realloc(buffer, capacity);
        if (!buffer) _exit(70);
    }
    memcpy(buffer + used, bytes, length);
    used += length;
}

static void separate(void) {
    if (needs_comma) put(",", 1);
    needs_comma = 1;
}

static void nest(char opener, char closer) {
    separate();
    put(&opener, 1);
    closers[depth++] = closer;
    needs_comma = 0;
}

void json_open(void) {
    used = 0;
    depth = 0;
    needs_comma = 0;
    json_object();
}

void json_close(void) {
    while (depth) json_end();
    put("\n", 1);
    for (size_t done = 0; done < used;) {
        ssize_t n = write(1, buffer + done, used - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) _exit(71);
        done += (size_t)n;
    }
}

void json_object(void) { nest('{', '}'); }
void json_array(void) { nest('[', ']'); }

void json_end(void) {
    put(&closers[--depth], 1);
    needs_comma = 1;
}

void json_bytes(const char *bytes, size_t length) {
    separate();
    put("\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char escaped[8];
        if (c == '"' || c == '\\') {
            escaped[0] = '\\';
            escaped[1] = (char)c;
            put(escaped, 2);
        } else if (c < 0x20 || c == 0x7f) {
            put(escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
        } else {
            put((const char *)&bytes[i], 1);
        }
    }
    put("\"", 1);
}

void json_text(const char *text) { json_bytes(text, strlen(text)); }

void json_number(long long number) {
    char text[32];
    separate();
    put(text, (size_t)snprintf(text, sizeof text, "%lld", number));
}

void json_bool(int truth) {
    separate();
    put(truth ? "true" : "false", truth ? 4 : 5);
}

void json_null(void) {
    separate();
    put("null", 4);
}

void json_key(const char *key) {
    json_text(key);
    put(":", 1);
    needs_comma = 0;
}

void json_key_text(const char *key, const char *text) {
    json_key(key);
    json_text(text);
}

void json_key_number(const char *key, long long number) {
    json_key(key);
    json_number(number);
}

void json_key_bool(const char *key, int truth) {
    json_key(key);
    json_bool(truth);
}
