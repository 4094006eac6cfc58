/* See regions.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "regions.h"

#include "access.h"
#include "codemap.h"
#include "control.h"
#include "ram.h"
#include "registers.h"
#include "stop.h"

enum { DEPTH = 256 };

uint64_t link_address;
uint8_t region_watches[WATCHES];
static struct open_region {
  uint32_t symbol;
  uint32_t sp, back;   /* where it ends: pc and stack pointer */
  uint32_t handler_sp; /* it is a handler, which began with that; 0: it is none */
  bool exact;          /* both are from registers; otherwise only the address, from calls seen */
  uint64_t start, cycles;
  struct stalls stalls; /* so far, when it began */
} open_regions[DEPTH];
static uint32_t depth, handlers; /* open ones */

/* The end of a handler may be anywhere. */
static void watch_everywhere(int change) {
  for (uint32_t i = 0; i < WATCHES; i++) region_watches[i] = (uint8_t)(region_watches[i] + change);
}

static void no_handler(struct open_region *r) {
  if (r->handler_sp != 0 && --handlers == 0) watch_everywhere(-1);
  r->handler_sp = 0;
}

static void forget_from(uint32_t first) {
  while (depth > first) {
    struct open_region *r = &open_regions[--depth];
    --*region_watch(r->back);
    no_handler(r);
  }
}

/* Entered as an exception: where it comes back to, if not to another task. */
static bool exception_frame(uint32_t *sp, uint32_t *lr) {
  uint32_t how = *lr, frame = *sp, xpsr;
  if ((how & 4) && !process_frame(&frame)) return false;
  if (!ram_word(frame + 24, lr) || !ram_word(frame + 28, &xpsr)) return false;
  *sp = frame + (how & 16 ? 32 : 104) + (xpsr >> 9 & 1 ? 4 : 0);
  return true;
}

void region_begin(uint32_t index, uint64_t pc, uint64_t start, bool inner) {
  uint32_t sp, lr, handler_sp = 0, at = depth;
  bool exact = core_registers(&sp, &lr), fresh;
  if (!exact) lr = (uint32_t)link_address;
  if (inner) exact = false, sp = 0; /* in mid-block the stack pointer may be in a register of the host */
  fresh = (lr & ~1u) == (uint32_t)link_address;
  link_address = 0;
  if (exact && lr >= 0xffffff00u) {
    handler_sp = sp;
    if (!exception_frame(&sp, &lr)) {
      stop(EVENT_UNSEEN, index, pc);
      return;
    }
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
  open_regions[depth++] = (struct open_region){index, sp, lr, handler_sp, exact, start, timing.page->cycles,
                                               timing.page->stalls};
  ++*region_watch(lr);
  if (handler_sp != 0 && handlers++ == 0) {
    watch_everywhere(1);
    await_process_stack(handler_sp);
  }
  if (handler_sp != 0 && !access_area->on) stop(EVENT_HANDLER, index, pc);
}

static struct stalls stalls_since(const struct stalls *then) {
  const struct stalls *now = &timing.page->stalls;
  return (struct stalls){now->fetch - then->fetch, now->data - then->data, now->fetch_misses - then->fetch_misses,
                         now->data_misses - then->data_misses};
}

bool regions_full(void) { return ctl->regions_max - ctl->regions < DEPTH; }

static void note(const struct open_region *r, uint32_t at, uint64_t now) {
  if (ctl->regions == ctl->regions_max) return;
  regions[ctl->regions++] = (struct region){r->symbol, at, r->start, now, r->cycles, timing.page->cycles,
                                            stalls_since(&r->stalls)};
}

/* Whether a handler has ended, not where it began: tasks were switched, or another handler comes right behind it. */
static bool left(const struct open_region *r, uint32_t pc, bool entry, uint64_t now, uint32_t sp, uint32_t lr) {
  if (r->handler_sp == 0 || now == r->start) return false;
  if (on_process_stack(r->handler_sp, pc)) return true;
  return entry && lr >= 0xffffff00u && sp == r->handler_sp && !codemap_jumped_to(pc);
}

void regions_end(uint64_t pc, bool entry, uint64_t now) {
  uint32_t sp, lr, at = depth;
  bool exact = core_registers(&sp, &lr);
  while (at > 0) {
    struct open_region *r = &open_regions[--at];
    bool back = r->back == (uint32_t)pc && !(exact && r->exact && r->sp != sp);
    if (r->handler_sp != 0 && now != r->start && !(syms[r->symbol].arm & REGION)) no_handler(r);
    if (!back && !(exact && left(r, (uint32_t)pc, entry, now, sp, lr))) continue;
    note(r, at, now);
    forget_from(at);
  }
}
