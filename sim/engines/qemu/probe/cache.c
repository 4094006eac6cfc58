/* See cache.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

static uint32_t log2_of(uint32_t value) { return value ? (uint32_t)__builtin_ctz(value) : 0; }

void cache_setup(struct cache *cache, const struct cache_shape *shape) {
  memset(cache, 0, sizeof *cache);
  cache->slots = shape->size / shape->line;
  cache->ways = shape->ways ? shape->ways : cache->slots;
  cache->sets = cache->slots / cache->ways;
  cache->power = (cache->sets & (cache->sets - 1)) == 0;
  cache->line_shift = log2_of(shape->line);
  cache->sector_size = shape->sector;
  cache->sector_shift = log2_of(shape->sector);
  cache->sector_mask = (1u << (cache->line_shift - cache->sector_shift)) - 1;
  cache->slot = calloc(cache->slots, sizeof *cache->slot);
  if (cache->slot == NULL) abort();
  cache->newest = NO_SECTOR;
  for (uint32_t i = 0; i < cache->slots; i++) cache->slot[i].tag = NO_LINE;
}

/* The slot of a line that is in the set, or the one that was used longest ago. */
static struct cache_slot *find(const struct cache *cache, uint32_t line) {
  uint32_t set = cache->power ? line & (cache->sets - 1) : line % cache->sets;
  struct cache_slot *first = &cache->slot[set * cache->ways], *end = first + cache->ways, *oldest = first;
  uint64_t used = first->used; /* kept here: read again through `oldest` it would be a chain of reads */
  for (struct cache_slot *s = first; s < end; s++)
    if (s->tag == line) return s;
  for (struct cache_slot *s = first + 1; s < end; s++) {
    oldest = s->used < used ? s : oldest;
    used = s->used < used ? s->used : used;
  }
  return oldest;
}

bool cache_use(struct cache *cache, uint32_t address, bool code, uint16_t *hint, bool *evicted) {
  uint32_t line = address >> cache->line_shift, sector = cache_sector(cache, address);
  struct cache_slot *s = &cache->slot[*hint < cache->slots ? *hint : 0];
  if (s->tag != line) {
    s = find(cache, line);
    if (s->tag != line) {
      if (s->code && s->tag != NO_LINE) *evicted = true;
      *s = (struct cache_slot){.tag = line};
    }
    *hint = (uint16_t)(s - cache->slot);
  }
  s->used = ++cache->clock;
  cache->newest = address & -cache->sector_size;
  if (s->sectors & sector) return true;
  s->sectors |= sector;
  if (code) s->code = 1;
  return false;
}
