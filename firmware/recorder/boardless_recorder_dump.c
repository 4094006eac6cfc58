/* The dump: what the ring has, as lines of text (docs/field.md). SPDX-License-Identifier: Apache-2.0 */
#include "boardless_recorder_inside.h"

enum { LINE_BYTES = 48 };

static void put_plain(char c) { blr_state.put(c); }

void blr_put(char c) { /* counts for the check sum: CRC-32, as of zlib */
  blr_state.crc ^= (uint8_t)c;
  for (int i = 0; i < 8; i++) blr_state.crc = blr_state.crc >> 1 ^ (blr_state.crc & 1 ? 0xedb88320u : 0);
  blr_state.put(c);
}

static char digit(uint32_t value) { return "0123456789abcdef"[value & 15]; }

static void put_text(const char *text) { /* a field: no spaces and no marks of the format in it */
  if (text == NULL || *text == '\0') text = "-";
  for (; *text != '\0'; text++) blr_put(*text <= ' ' || *text == '*' || *text == '~' ? '_' : *text);
}

static void put_number(uint32_t value) {
  char digits[10];
  int n = 0;
  do digits[n++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  while (n > 0) blr_put(digits[--n]);
}

void blr_put_hex(uint32_t value) {
  for (int i = 28; i >= 0; i -= 4) blr_put(digit(value >> i));
}

void blr_put_byte(uint8_t byte) {
  blr_put(digit(byte >> 4));
  blr_put(digit(byte));
}

void blr_line(char kind) {
  put_plain('~');
  blr_state.crc = 0xffffffffu;
  blr_put('B');
  blr_put('L');
  blr_put(' ');
  put_number(blr_state.line++);
  blr_put(' ');
  blr_put(kind);
}

void blr_end_line(void) {
  uint32_t crc = ~blr_state.crc;
  put_plain('*');
  for (int i = 28; i >= 0; i -= 4) put_plain(digit(crc >> i));
  put_plain('\r');
  put_plain('\n');
}

static void number(uint32_t value) {
  blr_put(' ');
  put_number(value);
}

void blr_word(uint32_t value) {
  blr_put(' ');
  blr_put_hex(value);
}

void blr_header(const char *trigger) {
  blr_state.line = 0;
  put_plain('\r'); /* whatever stood there without an end */
  put_plain('\n');
  blr_line('H');
  number(1);
  blr_put(' ');
  if (blr_state.build_id_bytes == 0) blr_put('0');
  for (uint32_t i = 0; i < blr_state.build_id_bytes; i++) blr_put_byte(blr_state.build_id[i]);
  blr_put(' ');
  put_text(blr_state.app);
  blr_put(' ');
  put_text(trigger);
  blr_end_line();
  for (uint32_t i = 0; i < blr_state.sensors; i++) {
    blr_line('S');
    blr_put(' ');
    put_text(blr_state.sensor[i].name);
    number(blr_state.sensor[i].rate_mhz);
    number(blr_state.sensor[i].range);
    number(blr_state.sensor[i].range2);
    number(blr_state.sensor[i].channels);
    number(blr_state.sensor[i].width);
    blr_end_line();
    if (blr_state.sensor[i].cut_reads == 0) continue;
    blr_line('L');
    blr_put(' ');
    put_text(blr_state.sensor[i].name);
    number(blr_state.sensor[i].cut_reads);
    number(blr_state.sensor[i].cut_samples);
    blr_end_line();
  }
}

static void taken(uint32_t sensor, uint32_t samples) {
  if (sensor >= blr_state.sensors) return;
  blr_put(' ');
  put_text(blr_state.sensor[sensor].name);
  blr_put('=');
  put_number(samples);
}

/* A read in pieces of one line each, so that a torn line costs little. */
static void data(uint32_t offset, uint32_t bytes, uint32_t sensor, uint32_t first) {
  uint32_t size = blr_state.sensor[sensor].channels * blr_state.sensor[sensor].width;
  uint32_t most = size < LINE_BYTES ? LINE_BYTES / size : 1;
  for (uint32_t left = bytes / size; left > 0;) {
    uint32_t n = left < most ? left : most;
    blr_line('D');
    blr_put(' ');
    put_text(blr_state.sensor[sensor].name);
    number(first);
    blr_put(' ');
    for (uint32_t i = 0; i < n * size; i++) blr_put_byte(blr_at(offset + i));
    blr_end_line();
    offset += n * size;
    first += n;
    left -= n;
  }
}

static void decision(uint32_t offset, uint32_t bytes, uint32_t sensor, uint32_t samples) {
  blr_line('C');
  number(blr_word_at(offset));
  blr_word(blr_word_at(offset + 4));
  blr_put(' ');
  if (bytes == 8) blr_put('-');
  for (uint32_t i = 8; i < bytes; i++) {
    char c = (char)blr_at(offset + i);
    blr_put(c <= ' ' || c == '*' || c == '~' ? '_' : c);
  }
  taken(sensor, samples);
  blr_end_line();
}

void blr_records(void) {
  for (uint32_t offset = 0; offset < blr_state.used;) {
    uint32_t head = blr_word_at(offset), value = blr_word_at(offset + 4);
    uint32_t bytes = head & BLR_RECORD_MOST, sensor = head >> 24;
    uint32_t kind = head >> 20 & 15u;
    offset += BLR_HEAD;
    if (kind == BLR_SAMPLES) data(offset, bytes, sensor, value);
    if (kind == BLR_DECISION) decision(offset, bytes, sensor, value);
    if (kind == BLR_INFERENCE) {
      blr_line('I');
      taken(sensor, value);
      blr_end_line();
    }
    offset += bytes;
  }
  blr_line('E');
  number(blr_state.line);
  blr_end_line();
  blr_state.unseen = 0;
}

void blr_dump(const char *trigger) {
  if (blr_state.ring == NULL) return;
  blr_header(trigger);
  blr_records();
}
