/* A cache or line buffer between core and flash: lines of sectors, each read on its own, least recently used line
 * replaced.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_CACHE_H
#define BOARDLESS_CACHE_H
#include "timing.h"

struct cache {
  uint32_t ways, sets, line_shift, sector_shift, slots;
  uint32_t *tag;     /* address >> line_shift, or NO_LINE */
  uint32_t *sectors; /* bit per sector that was read */
  uint32_t *used;    /* time of last use */
  uint8_t *code;     /* holds instructions */
  uint32_t clock;
};
enum { NO_LINE = 0xffffffffu };

void cache_setup(struct cache *cache, const struct cache_shape *shape);
/* Looks an address up, `hint` first, and reads its sector if it is not there. True: it was there. `evicted`: an
 * instruction line had to go. */
bool cache_use(struct cache *cache, uint32_t address, bool code, uint16_t *hint, bool *evicted);
#endif
