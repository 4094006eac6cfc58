/* See begin.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "begin.h"

#include "access.h"
#include "codemap.h"
#include "functions.h"
#include "inline.h"
#include "left.h"
#include "regions.h"
#include "registers.h"
#include "stack.h"
#include "stop.h"

enum position { NOWHERE, TURN, INNER, RETURN, CALL, ENTRY, POSITIONS };
enum cost { KNOWN, EDGE, FETCHES, FLASH, ENTERS, COSTS }; /* what of a block's cycles is not known at translation */

static inline void watch_calls(const struct block *b) {
  if (UNLIKELY(!functions_stay((uint32_t)b->pc, b->function)))
    functions_step((uint32_t)b->pc, b->function, b->entry != NONE, (uint32_t)b->link, ctl->count,
                   timing.page->cycles - (lean || b->timing == NULL ? 0 : timing_ahead(b->timing)));
  else if (b->link)
    functions_here.pending = (uint32_t)b->link;
}

static inline __attribute__((always_inline)) void add_cost(const struct block *b, enum cost cost) {
  uint64_t now = ctl->count;
  ctl->count = now + b->adds;
  if (cost != ENTERS) timing.page->cycles += (uint64_t)(int64_t)b->adds_cycles;
  if (cost == EDGE) timing_edge(b->timing, now);
  if (cost == FETCHES) timing_fetches(b->timing);
  if (cost == FLASH) timing_flash(b->timing, core);
  if (cost == ENTERS) timing_enter(b->timing, core);
}

/* Apart, so that the others need not save anything for it. */
static __attribute__((noinline)) void at_limit(const struct block *b, enum cost cost) {
  slow_path(b, false);
  add_cost(b, cost);
}

static inline __attribute__((always_inline)) void begin(const struct block *b, enum position at, enum cost cost,
                                                        bool calls) {
  if (at >= RETURN) {
    if (UNLIKELY((core[13] - stack_low > stack_size) | (*image_clock >= ctl->limit) | *b->watch |
                 (at == ENTRY && syms[b->entry].arm))) {
      if (core[13] - stack_low > stack_size) stack_has_left(b);
      slow_path(b, false);
    }
    if (calls) watch_calls(b);
    if (at == CALL || (at == ENTRY && b->link)) link_address = b->link;
  } else if (at == INNER) {
    if (UNLIKELY(*image_clock >= ctl->limit)) slow_path(b, false);
    if (UNLIKELY(functions_here.function != b->function)) watch_calls(b);
  } else if (at == TURN && UNLIKELY(*image_clock >= ctl->limit)) {
    at_limit(b, cost);
    return;
  }
  add_cost(b, cost);
}

#define BEGIN(at, cost, calls) \
  static void begin_##at##_##cost##_##calls(unsigned vcpu, void *data) { \
    (void)vcpu; \
    begin(data, at, cost, calls); \
  }
#define BEGIN_COSTS(at, calls) \
  BEGIN(at, KNOWN, calls) BEGIN(at, EDGE, calls) BEGIN(at, FETCHES, calls) BEGIN(at, FLASH, calls) BEGIN(at, ENTERS, calls)
#define BEGIN_BOTH(at) BEGIN_COSTS(at, 0) BEGIN_COSTS(at, 1)
BEGIN_BOTH(NOWHERE) BEGIN_BOTH(TURN) BEGIN_BOTH(INNER) BEGIN_BOTH(RETURN) BEGIN_BOTH(CALL) BEGIN_BOTH(ENTRY)
#define NAMES_COSTS(at, calls) \
  { begin_##at##_KNOWN_##calls, begin_##at##_EDGE_##calls, begin_##at##_FETCHES_##calls, begin_##at##_FLASH_##calls, \
    begin_##at##_ENTERS_##calls }
#define NAMES(calls) \
  { NAMES_COSTS(NOWHERE, calls), NAMES_COSTS(TURN, calls), NAMES_COSTS(INNER, calls), NAMES_COSTS(RETURN, calls), \
    NAMES_COSTS(CALL, calls), NAMES_COSTS(ENTRY, calls) }
static void (*const begin_callbacks[2][POSITIONS][COSTS])(unsigned, void *) = {NAMES(0), NAMES(1)};

static enum cost cost_of(const struct timing_block *t) {
  if (t == NULL) return KNOWN;
  if (!lean) return ENTERS;
  if (timing.level != LEVEL_MEMORY) return t->tells || t->arrival == ARRIVES_EITHER ? EDGE : KNOWN;
  return t->literals || t->pointers || t->arrival == ARRIVES_EITHER ? FLASH : FETCHES;
}

void on_inner_entry(unsigned vcpu, void *data) {
  const struct block *b = data;
  (void)vcpu;
  if (UNLIKELY(syms[b->entry].arm)) {
    /* The block was counted as a whole at its start: show the count up to here while stopped. */
    ctl->count -= b->instructions;
    timing.page->cycles -= b->cycles;
    stopped_inside = true;
    slow_path(b, true);
    stopped_inside = false;
    ctl->count += b->instructions;
    timing.page->cycles += b->cycles;
  }
}

void begin_translate(struct qemu_plugin_tb *tb, struct block *b, const struct op *ops, size_t n, int access) {
  bool calls = functions->on & WATCH_CALLS;
  const struct timing_block *t = b->timing;
  enum position at = b->entry != NONE                            ? ENTRY
                     : b->link                                   ? CALL
                     : access_area->on || codemap_returns((uint32_t)b->pc) ? RETURN
                     : calls && codemap_crossed((uint32_t)b->pc) ? INNER
                     : b->looks                                  ? TURN
                                                                 : NOWHERE;
  enum cost cost = cost_of(t);
  if (calls) b->function = function_of(b->pc);
  void (*call)(unsigned, void *) = at != NOWHERE || cost != KNOWN ? begin_callbacks[calls][at][cost] : NULL;
  bool always = left_translate(tb, b, ops, n, call, access);
  int32_t cycles = t && lean ? t->alone : 0;
  if (always && !stack_area->on) { /* who watches the stack is called behind this, and wants to see the counts in front */
    b->adds = b->instructions;
    b->adds_cycles = cycles;
  } else {
    if (b->instructions) block_adds(tb, &ctl->count, b->instructions);
    if (t && lean) block_adds(tb, &timing.page->cycles, (uint64_t)(int64_t)cycles);
  }
  b->instructions = 0; /* that was it */
}
