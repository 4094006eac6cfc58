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
  cache->tag = malloc(cache->slots * sizeof *cache->tag);
  cache->sectors = calloc(cache->slots, sizeof *cache->sectors);
  cache->used = calloc(cache->slots, sizeof *cache->used);
  cache->code = calloc(cache->slots, sizeof *cache->code);
  if (cache->tag == NULL || cache->sectors == NULL || cache->used == NULL || cache->code == NULL) abort();
  for (uint32_t i = 0; i < cache->slots; i++) cache->tag[i] = NO_LINE;
}

bool cache_use(struct cache *cache, uint32_t address, bool code, uint16_t *hint, bool *evicted) {
  uint32_t line = address >> cache->line_shift, first, slot, oldest, sector;
  slot = *hint;
  if (slot >= cache->slots || cache->tag[slot] != line) {
    first = oldest = line % cache->sets * cache->ways;
    for (slot = first; slot < first + cache->ways && cache->tag[slot] != line; slot++)
      if (cache->used[slot] < cache->used[oldest]) oldest = slot;
    if (slot == first + cache->ways) {
      slot = oldest;
      if (cache->code[slot] && cache->tag[slot] != NO_LINE) *evicted = true;
      cache->tag[slot] = line;
      cache->sectors[slot] = 0;
      cache->code[slot] = 0;
    }
    *hint = (uint16_t)slot;
  }
  cache->used[slot] = ++cache->clock;
  sector = cache_sector(cache, address);
  if (cache->sectors[slot] & sector) return true;
  cache->sectors[slot] |= sector;
  if (code) cache->code[slot] = 1;
  return false;
}
