/* SPDX-License-Identifier: Apache-2.0 */
#include "flash.h"

#include <string.h>
#include <unistd.h>

#include "codemap.h"

/* What follows 'w' on the socket: this, and `length` bytes. */
struct write_request {
  uint32_t origin, size; /* the flash */
  uint32_t address, length;
  uint32_t code; /* 1: translations are thrown away */
};
enum { MOST = 4096 };

static uint32_t seen_at;
static uint8_t *seen;

void flash_seen(uint32_t address, uint8_t *host) {
  if (seen == NULL) seen_at = address, seen = host;
}

static bool take(int socket, void *to, size_t size) {
  uint8_t *at = to;
  while (size > 0) {
    ssize_t n = read(socket, at, size);
    if (n <= 0) return false;
    at += n;
    size -= (size_t)n;
  }
  return true;
}

bool flash_request(int socket, bool *code) {
  struct write_request r;
  uint8_t bytes[MOST];
  if (!take(socket, &r, sizeof r) || r.length > MOST || !take(socket, bytes, r.length)) return false;
  *code = r.code != 0;
  if (seen == NULL || seen_at - r.origin >= r.size) return false;
  if (r.address - r.origin >= r.size || r.length > r.size - (r.address - r.origin)) return false;
  memcpy(seen + ((int64_t)r.address - (int64_t)seen_at), bytes, r.length);
  if (*code) codemap_write(r.address, bytes, r.length);
  return true;
}
