/* See translate.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translate.h"

#include "begin.h"
#include "codemap.h"
#include "flash.h"
#include "functions.h"
#include "memory.h"
#include "pool.h"
#include "regions.h"
#include "registers.h"
#include "stack.h"
#include "steer.h"
#include "stop.h"
#include "stretches.h"

static void on_code(unsigned vcpu, void *data) {
  (void)vcpu;
  ((struct code_block *)data)->times++;
}

static void on_stack_block(unsigned vcpu, void *data) {
  (void)vcpu;
  stack_block(core[13], core[14], ((const struct block *)data)->entry != NONE);
}

static void on_first(unsigned vcpu, void *data) {
  static bool started;
  (void)vcpu;
  if (UNLIKELY(!started)) {
    started = true;
    stop(EVENT_START, 0, *(uint64_t *)data);
  }
}

static struct block *new_block(uint64_t pc, uint32_t instructions, uint32_t entry, uint64_t link) {
  struct block *b = take_memory(sizeof *b);
  *b = (struct block){.pc = pc, .instructions = instructions, .entry = entry, .link = link, .watch = region_watch(pc)};
  return b;
}

static struct timing_block *time_block(struct qemu_plugin_tb *tb, const struct op *ops, size_t n) {
  bool watch[BLOCK_MOST] = {false};
  struct timing_block *t = timing_block((uint32_t)qemu_plugin_tb_vaddr(tb), ops, n, core != no_core, watch);
  if (lean) timing_lean(t, ops, n);
  for (size_t i = 0; i < n; i++)
    if (watch[i]) watch_load(qemu_plugin_tb_get_insn(tb, i), &ops[i]);
  return t;
}

/* Whether nothing has to be looked at when the block begins, so that an inline addition is enough: no symbol and no
 * return address is there, and it ends in a branch forward or a return. Every loop has a block that does not. */
static bool only_counts(const struct block *b, const uint16_t half[2], size_t size, uint64_t at, uint64_t target) {
  bool forward = target > at || (size == 2 && (half[0] & 0xf500) == 0xb100);         /* CBZ, CBNZ */
  bool back = size == 2 ? half[0] == 0x4770 || (half[0] & 0xff00) == 0xbd00          /* BX LR, POP {.., PC} */
                        : half[0] == 0xe8bd && (half[1] & 0x8000);                   /* POP.W {.., PC} */
  return b->entry == NONE && b->link == 0 && (forward || back) && !codemap_returns((uint32_t)b->pc);
}

/* The first block of all: what can be seen of the machine only there, and the stop in front of it. */
static void translate_first(struct qemu_plugin_tb *tb, struct block *b, int access) {
  static uint64_t first_pc;
  first_pc = b->pc;
  if (b->timing) b->timing->alone -= (int32_t)timing.page->refill; /* reset is no branch */
  flash_seen((uint32_t)b->pc, qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0)));
#ifdef KNOWS_STATE
  qemu_plugin_register_vcpu_tb_exec_cb(tb, block_env, CB_NO_REGS, &first_pc);
  qemu_plugin_register_vcpu_tb_exec_cb(tb, steer_first, CB_NO_REGS, &first_pc);
#endif
  qemu_plugin_register_vcpu_tb_exec_cb(tb, on_first, access, &first_pc);
}

/* `counted`: the block adds its instructions as a whole. */
static void translate_instructions(struct qemu_plugin_tb *tb, size_t n, const struct block *b, bool counted, int access) {
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    uint64_t here = qemu_plugin_insn_vaddr(insn);
    uint32_t inner = i ? symbol_at(here) : NONE;
    if (inner != NONE) {
      struct block *part = new_block(here, counted ? (uint32_t)(n - i) : 0, inner, 0);
      part->looks = true;
      if (b->timing) part->cycles = timing_rest(b->timing, (uint32_t)(here - b->pc));
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_inner_entry, access, part);
    }
    watch_memory(insn, b, here, counted ? (uint32_t)(n - i) : 1);
  }
}

void translate(struct qemu_plugin_tb *tb) {
  static bool first = true;
  static struct op ops[BLOCK_MOST];
  uint64_t pc = qemu_plugin_tb_vaddr(tb), end = pc, at = pc;
  size_t n = qemu_plugin_tb_n_insns(tb);
  uint16_t half[2];
  bool exact = ctl->flags & FLAG_EXACT;
  int access = qemu_plugin_version >= 2 && core == no_core ? CB_R_REGS : CB_NO_REGS;
  struct block *b;

  if (n > BLOCK_MOST) n = BLOCK_MOST; /* of QEMU's own, so far */
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    at = qemu_plugin_insn_vaddr(insn);
    opcode(insn, half);
    decode((uint32_t)at, half, thumb_size(half[0]), &ops[i]);
    end = at + ops[i].size;
  }
  b = new_block(pc, exact ? 0 : (uint32_t)n, symbol_at(pc), is_linked_call(half) ? end : 0);
  if (timing.level != LEVEL_OFF) b->timing = time_block(tb, ops, n);
  if (first) translate_first(tb, b, access);
  first = false;
  b->looks = !only_counts(b, half, end - at, at, branch_target(half, (uint32_t)at));
  begin_translate(tb, b, ops, n, access);
  if (stack_area->on) qemu_plugin_register_vcpu_tb_exec_cb(tb, on_stack_block, CB_NO_REGS, b);
  if (functions->on & WATCH_CODE) {
    struct code_block *code = functions_code((uint32_t)pc, (uint32_t)end);
    if (code != NULL) qemu_plugin_register_vcpu_tb_exec_cb(tb, on_code, CB_NO_REGS, code);
  }
  translate_instructions(tb, n, b, !exact, access);
  if (exact) count_stretches(tb, ops, n); /* behind on_inner_entry: from version 2 on QEMU keeps that order */
}
