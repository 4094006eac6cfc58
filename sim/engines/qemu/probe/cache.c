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
  cache->line_shift = log2_of(shape->line);
  cache->sector_shift = log2_of(shape->sector);
  cache->sector_mask = (1u << (cache->line_shift - cache->sector_shift)) - 1;
  cache->slot = calloc(cache->slots, sizeof *cache->slot);
  if (cache->slot == NULL) abort();
  cache->newest = NO_LINE;
  for (uint32_t i = 0; i < cache->slots; i++) cache->slot[i].tag = NO_LINE;
}

bool cache_use(struct cache *cache, uint32_t address, bool code, uint16_t *hint, bool *evicted) {
  uint32_t line = address >> cache->line_shift, sector = cache_sector(cache, address);
  struct cache_slot *s = &cache->slot[*hint < cache->slots ? *hint : 0];
  if (s->tag != line) {
    struct cache_slot *first = &cache->slot[line % cache->sets * cache->ways], *end = first + cache->ways, *oldest = first;
    for (s = first; s < end && s->tag != line; s++)
      if (s->used < oldest->used) oldest = s;
    if (s == end) {
      s = oldest;
      if (s->code && s->tag != NO_LINE) *evicted = true;
      *s = (struct cache_slot){.tag = line};
    }
    *hint = (uint16_t)(s - cache->slot);
  }
  s->used = ++cache->clock;
  cache->newest = address >> cache->sector_shift;
  if (s->sectors & sector) return true;
  s->sectors |= sector;
  if (code) s->code = 1;
  return false;
}
