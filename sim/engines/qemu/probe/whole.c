/* See whole.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "whole.h"

#include "codemap.h"
#include "exact.h"
#include "functions.h"
#include "regions.h"
#include "registers.h"
#include "stop.h"

static inline void watch_stack(const struct block *b) {
  if (UNLIKELY(core[13] - stack_low > stack_size)) stack_has_left(b);
}

static void on_block(unsigned vcpu, void *data) {
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  watch_stack(b);
  if (!goes_on(b) && UNLIKELY(over(b) || *b->watch)) slow_path(b, false);
  ctl->count += b->instructions;
  if (b->timing) timing_enter(b->timing, core);
}

static void on_call_block(unsigned vcpu, void *data) { /* ends in a linked call */
  on_block(vcpu, data);
  link_address = ((const struct block *)data)->link;
}

static void on_entry_block(unsigned vcpu, void *data) { /* begins at a symbol */
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  watch_stack(b);
  goes_on(b);
  if (UNLIKELY(over(b) || syms[b->entry].arm || *b->watch)) slow_path(b, false);
  ctl->count += b->instructions;
  if (b->timing) timing_enter(b->timing, core);
  if (b->link) link_address = b->link;
}

void on_inner_entry(unsigned vcpu, void *data) { /* a symbol that code runs into, in mid-block */
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
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

/* The same three with a look at calls, see functions.h. */
static inline void watch_calls(const struct block *b) {
  if (UNLIKELY(!functions_stay((uint32_t)b->pc, b->function)))
    functions_step((uint32_t)b->pc, b->function, b->entry != NONE, (uint32_t)b->link, ctl->count - b->instructions,
                   timing.at_block);
  else if (b->link)
    functions_here.pending = (uint32_t)b->link;
}

static void on_inner_block_watched(unsigned vcpu, void *data) { /* nothing is called here, or returns here */
  const struct block *b = data;
  on_block(vcpu, data);
  if (UNLIKELY(functions_here.function != b->function)) watch_calls(b);
}
static void on_block_watched(unsigned vcpu, void *data) {
  on_block(vcpu, data);
  watch_calls(data);
}
static void on_call_block_watched(unsigned vcpu, void *data) {
  on_call_block(vcpu, data);
  watch_calls(data);
}
static void on_entry_block_watched(unsigned vcpu, void *data) {
  on_entry_block(vcpu, data);
  watch_calls(data);
}

void on_instruction(unsigned vcpu, void *data) { /* of a block that cannot be counted as a whole */
  (void)vcpu;
  (void)data;
  ctl->count++;
}

void whole_translate(struct qemu_plugin_tb *tb, struct block *b, int access) {
  void (*call)(unsigned, void *) = b->entry != NONE ? on_entry_block : b->link ? on_call_block : on_block;
  if (functions->on & WATCH_CALLS) {
    b->function = function_of(b->pc);
    call = b->entry != NONE                  ? on_entry_block_watched
           : b->link                         ? on_call_block_watched
           : codemap_returns((uint32_t)b->pc) ? on_block_watched
                                             : on_inner_block_watched;
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, call, access, b);
}
