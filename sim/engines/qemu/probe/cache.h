/* A cache or line buffer between core and flash: lines of sectors, each read on its own, least recently used line
 * replaced.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_CACHE_H
#define BOARDLESS_CACHE_H
#include <stdbool.h>
#include <stdint.h>

struct cache_shape {
  uint32_t size, line, sector, ways; /* bytes, bytes, bytes read on a miss, 0: fully associative */
};

struct cache_slot {
  uint64_t used;    /* time of last use */
  uint32_t tag;     /* address >> line_shift, or NO_LINE */
  uint32_t sectors; /* bit per sector that was read */
  uint32_t code;    /* holds instructions */
};
struct cache {
  struct cache_slot *slot;
  uint64_t clock; /* counts uses; an hour of board time has more of them than 32 bits */
  uint32_t ways, sets, line_shift, sector_shift, sector_mask, slots;
  uint32_t sector_size, newest; /* address of the sector that was used last: using it again changes nothing */
  bool power;      /* `sets` is a power of two */
};
enum { NO_LINE = 0xffffffffu, NO_SECTOR = 0xffffff00u }; /* no flash is there */

#pragma GCC visibility push(hidden)
void cache_setup(struct cache *cache, const struct cache_shape *shape);
/* Looks an address up, `hint` first, and reads its sector if it is not there. True: it was there. `evicted`: an
 * instruction line had to go. */
bool cache_use(struct cache *cache, uint32_t address, bool code, uint16_t *hint, bool *evicted);

static inline uint32_t cache_sector(const struct cache *cache, uint32_t address) {
  return 1u << ((address >> cache->sector_shift) & cache->sector_mask);
}
/* Whether that is what was used last. */
static inline bool cache_again(const struct cache *cache, uint32_t address) {
  return address - cache->newest < cache->sector_size;
}
/* The same for what is where it was last time. False: not so, nothing has been done. */
static inline bool cache_hit(struct cache *cache, uint32_t address, uint32_t hint) {
  struct cache_slot *s = &cache->slot[hint];
  if (s->tag != address >> cache->line_shift) return false;
  if (!(s->sectors & cache_sector(cache, address))) return false;
  s->used = ++cache->clock;
  cache->newest = address & -cache->sector_size;
  return true;
}
#pragma GCC visibility pop
#endif
