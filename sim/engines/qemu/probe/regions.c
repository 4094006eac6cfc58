/* See regions.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "regions.h"

#include "control.h"
#include "ram.h"
#include "registers.h"

enum { DEPTH = 256 };

uint64_t link_address;
uint8_t region_watches[WATCHES];
static struct {
  uint32_t symbol;
  uint32_t sp, back; /* where it ends: pc and stack pointer */
  bool exact;        /* both are from registers; otherwise only the address, from calls seen */
  uint64_t start, cycles;
  struct stalls stalls; /* so far, when it began */
} open_regions[DEPTH];
static uint32_t depth;

static void forget_from(uint32_t first) {
  while (depth > first) --*region_watch(open_regions[--depth].back);
}

void region_begin(uint32_t index, uint64_t start, bool inner) {
  uint32_t sp, lr, xpsr, at = depth;
  bool exact = core_registers(&sp, &lr), fresh;
  if (!exact) lr = (uint32_t)link_address;
  if (inner) exact = false, sp = 0; /* in mid-block the stack pointer may be in a register of the host */
  fresh = (lr & ~1u) == (uint32_t)link_address;
  link_address = 0;
  if (exact && lr >= 0xffffff00u) {
    /* Entered as an exception: it ends where the stacked pc is. Frames on the process stack are not looked for. */
    uint32_t how = lr;
    if ((how & 4) || !ram_word(sp + 24, &lr) || !ram_word(sp + 28, &xpsr)) return;
    sp += (how & 16 ? 32 : 104) + (xpsr >> 9 & 1 ? 4 : 0);
  }
  lr &= ~1u;
  /* An open region that returns to the same place with the same stack: called again, it was left by other ways
   * (longjmp); not called but reached again, it is a loop to its first instruction. */
  while (at > 0 && !(open_regions[at - 1].back == lr && open_regions[at - 1].sp == sp)) at--;
  if (at > 0 && fresh)
    forget_from(at - 1);
  else if (at > 0 && at == depth && open_regions[at - 1].symbol == index)
    return;
  if (depth == DEPTH) return; /* recursion deeper than that is part of the outer regions */
  open_regions[depth].symbol = index;
  open_regions[depth].start = start;
  open_regions[depth].cycles = timing.page->cycles;
  open_regions[depth].stalls = timing.page->stalls;
  open_regions[depth].sp = sp;
  open_regions[depth].back = lr;
  open_regions[depth].exact = exact;
  ++*region_watch(lr);
  depth++;
}

static struct stalls stalls_since(const struct stalls *then) {
  const struct stalls *now = &timing.page->stalls;
  return (struct stalls){now->fetch - then->fetch, now->data - then->data, now->fetch_misses - then->fetch_misses,
                         now->data_misses - then->data_misses};
}

bool regions_full(void) { return ctl->regions_max - ctl->regions < DEPTH; }

void regions_end(uint64_t pc, uint64_t now) {
  uint32_t sp, lr, at = depth;
  struct region *r;
  bool exact = core_registers(&sp, &lr);
  while (at > 0) {
    at--;
    if (open_regions[at].back != (uint32_t)pc) continue;
    if (exact && open_regions[at].exact && open_regions[at].sp != sp) continue;
    forget_from(at + 1);
    forget_from(at);
    if (ctl->regions < ctl->regions_max) {
      r = &regions[ctl->regions++];
      r->symbol = open_regions[at].symbol;
      r->depth = at;
      r->start = open_regions[at].start;
      r->end = now;
      r->start_cycles = open_regions[at].cycles;
      r->end_cycles = timing.page->cycles;
      r->stalls = stalls_since(&open_regions[at].stalls);
    }
  }
}
