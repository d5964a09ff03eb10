// A JSON writer for one flat-ish document per line: enough for the probe, nothing more.
#ifndef PROBE_JSON_H
#define PROBE_JSON_H

#include <stddef.h>

void json_open(void);                      // starts a line: {
void json_close(void);                     // ends it: } and a newline, written with one write(2)
void json_key(const char *key);            // a key inside an object
void json_object(void);                    // value: {
void json_array(void);                     // value: [
void json_end(void);                       // closes the innermost object or array
void json_text(const char *text);          // value: string, NUL-terminated; bytes ≥ 0x80 pass through
void json_bytes(const char *bytes, size_t length);
void json_number(long long number);
void json_bool(int truth);
void json_null(void);

void json_key_text(const char *key, const char *text);
void json_key_number(const char *key, long long number);
void json_key_bool(const char *key, int truth);

#endif
