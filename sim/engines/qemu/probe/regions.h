/* Regions: from a function's first instruction to its return.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)
extern uint64_t link_address; /* where the last linked call returns to; 0 once a region began with it */

enum { WATCHES = 1024 };
extern uint8_t region_watches[WATCHES]; /* by hash of the address: open regions that return there */
static inline uint8_t *region_watch(uint64_t pc) { return &region_watches[(pc >> 1) % WATCHES]; }

/* The core is at `pc`, the symbol's first instruction; `inner`: in the middle of a block.
 *
 * Where a handler ends nobody knows before: it interrupts any code, and may end in another task. So the first one stops
 * with EVENT_HANDLER, for the runner to let QEMU translate anew, with a look at every block (access_area->on). */
void region_begin(uint32_t index, uint64_t pc, uint64_t start, bool inner);
/* Whether there may be no room for all that are open; then the runner has to take what there is. */
bool regions_full(void);
/* The core is at `pc`, where a symbol is (`entry`): every region that returns here has ended, those in it that did not are
 * left for good. */
void regions_end(uint64_t pc, bool entry, uint64_t now);
#pragma GCC visibility pop
