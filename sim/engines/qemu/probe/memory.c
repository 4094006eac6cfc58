/* See memory.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include "left.h"
#include "pool.h"
#include "registers.h"
#include "stack.h"
#include "stop.h"

/* Cycles in front of an instruction that accesses memory. Flash waits of loads behind it are in already. */
static uint64_t cycles_at(const struct access_place *place) {
  uint32_t ahead = place->cycles;
  if (!lean) return timing_at(place->pc);
  left_here(place->pc, &ahead);
  return timing.page->cycles - ahead;
}

static void on_store(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  if (UNLIKELY((uint32_t)address == ctl->console) && qemu_plugin_mem_is_store(info))
    mark(timing.level == LEVEL_OFF ? ctl->count : cycles_at(data));
}

/* A load whose address could not be seen when its block began. Most are not from flash and aligned. */
static inline __attribute__((always_inline)) void load(uint32_t address, uint32_t size, uint16_t *slot) {
  bool aligned = (address & (size - 1)) == 0;
  if (aligned && !timing_in_flash(address)) return;
  if (aligned && size <= 4 && cache_again(&timing.data, address)) return;
  timing_access(address, size < 4 ? size : 4, size > 4 ? size >> 2 : 1, slot);
}
static void on_load(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  load((uint32_t)address, 1u << qemu_plugin_mem_size_shift(info), data);
}
static void on_load_1(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)info;
  load((uint32_t)address, 1, data);
}
static void on_load_2(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)info;
  load((uint32_t)address, 2, data);
}
static void on_load_4(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)info;
  load((uint32_t)address, 4, data);
}

static void on_any_store(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  const struct stack_store *s = data;
  (void)vcpu;
  if (!qemu_plugin_mem_is_store(info)) return; /* 7.2 tells of loads too */
  /* QEMU has all registers in the core's state when it accesses memory. */
  if (UNLIKELY(stack_stored(s, (uint32_t)address, core[13]))) {
    stopped_inside = true;
    stop(EVENT_STACK, 0, s->pc);
    stopped_inside = false;
  }
}

/* Somebody watches memory. */
static void on_access(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  const struct access_place *place = data;
  (void)vcpu;
  if (access_note(place, (uint32_t)address, 1u << qemu_plugin_mem_size_shift(info), qemu_plugin_mem_is_store(info),
                  ctl->count, timing.level == LEVEL_OFF ? 0 : cycles_at(place)))
    ctl->limit = 0;
}

void watch_load(struct qemu_plugin_insn *insn, const struct op *op) {
  uint32_t width = op->n == 1 ? op->width : 0; /* 0: not known */
  /* 7.2, asked for loads, tells of stores only; asked for both, it tells of both. */
  qemu_plugin_register_vcpu_mem_cb(insn,
                                   width == 1   ? on_load_1
                                   : width == 2 ? on_load_2
                                   : width == 4 ? on_load_4
                                                : on_load,
                                   CB_NO_REGS, qemu_plugin_version >= 2 ? MEM_R : MEM_R | MEM_W,
                                   take_memory(sizeof(uint16_t))); /* where in the cache it was last */
}

static void watch_stores(struct qemu_plugin_insn *insn, uint64_t at) {
  struct stack_store *s = take_memory(sizeof *s);
  uint16_t half[2];
  opcode(insn, half);
  stack_translate(s, (uint32_t)at, half, qemu_plugin_insn_size(insn));
  if (stack_area->tasks) stack_size = 0xffffffffu;
  qemu_plugin_register_vcpu_mem_cb(insn, on_any_store, CB_NO_REGS, MEM_W, s);
}

static struct access_place *place_of(const struct block *b, uint64_t at, uint32_t ahead) {
  struct access_place *place = take_memory(sizeof *place);
  *place = (struct access_place){(uint32_t)at, ahead, b->timing ? timing_rest(b->timing, (uint32_t)(at - b->pc)) : 0};
  return place;
}

void watch_memory(struct qemu_plugin_insn *insn, const struct block *b, uint64_t at, uint32_t ahead) {
  if (stack_area->on) watch_stores(insn, at);
  if (access_area->on)
    qemu_plugin_register_vcpu_mem_cb(insn, on_access, CB_NO_REGS, MEM_R | MEM_W, place_of(b, at, ahead));
  if (ctl->console) qemu_plugin_register_vcpu_mem_cb(insn, on_store, CB_NO_REGS, MEM_W, place_of(b, at, 0));
}
