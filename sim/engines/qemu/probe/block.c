/* See block.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include "regions.h"
#include "registers.h"
#include "stop.h"

bool lean;

void slow_path(const struct block *b, bool inner) {
  uint64_t now = ctl->count;
  uint32_t arm = b->entry == NONE ? 0 : syms[b->entry].arm;
  uint32_t ahead = b->timing && !lean ? timing_ahead(b->timing) : 0;
  timing.page->cycles -= ahead;
  if (*b->watch) regions_end(b->pc, b->entry != NONE, now);
  if (arm & MARK) mark(*image_clock);
  if (arm & REGION) region_begin(b->entry, b->pc, now, inner);
  if (ctl->marks == ctl->marks_max || regions_full()) stop(EVENT_FULL, 0, b->pc);
  if (arm & STOP)
    stop(EVENT_SYMBOL, b->entry, b->pc);
  else if (over(b))
    stop(EVENT_LIMIT, 0, b->pc);
  timing.page->cycles += ahead;
}

void stack_has_left(const struct block *b) {
  stack_size = 0xffffffffu; /* said once */
  stop(EVENT_STACK, 0, b->pc);
}
