/* See lean.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "lean.h"

#include "codemap.h"
#include "functions.h"
#include "regions.h"
#include "registers.h"

enum position { NOWHERE, TURN, INNER, RETURN, CALL, ENTRY, POSITIONS };
enum cost { KNOWN, EDGE, FETCHES, FLASH, ENTERS, COSTS }; /* what of a block's cycles is not known at translation */

static inline void lean_calls(const struct block *b) {
  if (UNLIKELY(!functions_stay((uint32_t)b->pc, b->function)))
    functions_step((uint32_t)b->pc, b->function, b->entry != NONE, (uint32_t)b->link, ctl->count,
                   timing.page->cycles - (lean || b->timing == NULL ? 0 : timing_ahead(b->timing)));
  else if (b->link)
    functions_here.pending = (uint32_t)b->link;
}

static inline __attribute__((always_inline)) void lean_block(const struct block *b, enum position at, enum cost cost,
                                                             bool calls) {
  if (at >= RETURN) {
    if (UNLIKELY((core[13] - stack_low > stack_size) | (*image_clock >= ctl->limit) | *b->watch |
                 (at == ENTRY && syms[b->entry].arm))) {
      if (core[13] - stack_low > stack_size) stack_has_left(b);
      slow_path(b, false);
    }
    if (calls) lean_calls(b);
  } else if (at != NOWHERE) {
    if (UNLIKELY(*image_clock >= ctl->limit)) slow_path(b, false);
    if (at == INNER && UNLIKELY(functions_here.function != b->function)) lean_calls(b);
  }
  if (cost == EDGE) timing_edge(b->timing, ctl->count);
  if (cost == FETCHES) timing_fetches(b->timing);
  if (cost == FLASH) timing_flash(b->timing, core);
  if (cost == ENTERS) timing_enter(b->timing, core);
  if (at == CALL || (at == ENTRY && b->link)) link_address = b->link;
}

#define LEAN(at, cost, calls) \
  static void lean_##at##_##cost##_##calls(unsigned vcpu, void *data) { \
    (void)vcpu; \
    lean_block(data, at, cost, calls); \
  }
#define LEAN_COSTS(at, calls) LEAN(at, KNOWN, calls) LEAN(at, EDGE, calls) LEAN(at, FETCHES, calls) LEAN(at, FLASH, calls) \
  LEAN(at, ENTERS, calls)
#define LEAN_BOTH(at) LEAN_COSTS(at, 0) LEAN_COSTS(at, 1)
LEAN_BOTH(NOWHERE) LEAN_BOTH(TURN) LEAN_BOTH(INNER) LEAN_BOTH(RETURN) LEAN_BOTH(CALL) LEAN_BOTH(ENTRY)
#define NAMES_COSTS(at, calls) \
  { lean_##at##_KNOWN_##calls, lean_##at##_EDGE_##calls, lean_##at##_FETCHES_##calls, lean_##at##_FLASH_##calls, \
    lean_##at##_ENTERS_##calls }
#define NAMES(calls) \
  { NAMES_COSTS(NOWHERE, calls), NAMES_COSTS(TURN, calls), NAMES_COSTS(INNER, calls), NAMES_COSTS(RETURN, calls), \
    NAMES_COSTS(CALL, calls), NAMES_COSTS(ENTRY, calls) }
static void (*const lean_callbacks[2][POSITIONS][COSTS])(unsigned, void *) = {NAMES(0), NAMES(1)};

static void add_inline(struct qemu_plugin_tb *tb, uint64_t *to, uint64_t amount) {
  ((void (*)(struct qemu_plugin_tb *, int, void *, uint64_t))qemu_symbol("qemu_plugin_register_vcpu_tb_exec_inline"))(
      tb, INLINE_ADD_U64, to, amount);
}

static enum cost cost_of(const struct timing_block *t) {
  if (t == NULL) return KNOWN;
  if (!lean) return ENTERS;
  if (timing.level != LEVEL_MEMORY) return t->tells || t->arrival == ARRIVES_EITHER ? EDGE : KNOWN;
  return t->literals || t->pointers || t->arrival == ARRIVES_EITHER ? FLASH : FETCHES;
}


void lean_translate(struct qemu_plugin_tb *tb, struct block *b, size_t n) {
  bool calls = functions->on & WATCH_CALLS;
  const struct timing_block *t = b->timing;
  enum position at = b->entry != NONE                                 ? ENTRY
                     : b->link                                        ? CALL
                     : codemap_returns((uint32_t)b->pc)               ? RETURN
                     : calls && codemap_crossed((uint32_t)b->pc)      ? INNER
                     : b->looks                                       ? TURN
                                                                      : NOWHERE;
  enum cost cost = cost_of(t);
  b->instructions = 0; /* added inline, behind what is called */
  if (calls) b->function = function_of(b->pc);
  if (at != NOWHERE || cost != KNOWN)
    qemu_plugin_register_vcpu_tb_exec_cb(tb, lean_callbacks[calls][at][cost], CB_NO_REGS, b);
  if (n) add_inline(tb, &ctl->count, n);
  if (t && lean) add_inline(tb, &timing.page->cycles, (uint64_t)(int64_t)t->alone);
}
