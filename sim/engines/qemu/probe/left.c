/* See left.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "left.h"

#include "codemap.h"
#include "inline.h"
#include "pool.h"
#include "registers.h"

enum { NOWHERE = 1 };

/* A block of one instruction that accesses memory: may be one in which QEMU makes the access of another. */
struct single {
  uint32_t pc, next;
  bool whole; /* is executed as any other: we were told that it began */
};

static const struct block no_block;
static uint64_t last;            /* address of the struct block that began last, of those that may be left */
static uint64_t goes_on_at = NOWHERE; /* where the rest of it is; 64 bits for translated code */
static uint64_t then;            /* the count there */
static uint32_t access_pc = NOWHERE, access_cycles;
static bool on;

void left_install(void) {
  on = qemu_plugin_version >= 2 && !(ctl->flags & FLAG_EXACT);
  last = (uint64_t)(uintptr_t)&no_block;
}

static const struct block *left_block(void) { return (const struct block *)(uintptr_t)last; }

/* The stack is no device, nor are literals. */
static bool may_reach_device(const struct op *op) {
  if (op->kind == K_TABLE) return false;
  return op->kind >= K_LOAD && op->kind <= K_STORE_TWO && !(op->flags & F_LITERAL) && op->rn != 13;
}

static void on_whole(unsigned vcpu, void *data) {
  (void)vcpu;
  ((struct single *)data)->whole = true;
}

static void on_device(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  const struct single *s = data;
  const struct block *from = left_block();
  uint32_t behind;
  (void)vcpu;
  (void)info;
  (void)address;
  if (s->whole || (goes_on_at == s->next && then == ctl->count)) return; /* the second access of a double word */
  if (s->pc - (uint32_t)from->pc >= from->bytes || s->next - (uint32_t)from->pc >= from->bytes) return;
  behind = s->next - (uint32_t)from->pc;
  ctl->count -= from->rest[behind >> 1];
  then = ctl->count;
  goes_on_at = s->next;
  if (!lean || from->timing == NULL) return;
  timing.page->cycles -= timing_rest(from->timing, behind);
  access_pc = s->pc;
  access_cycles = timing_rest(from->timing, s->pc - (uint32_t)from->pc) - timing_rest(from->timing, behind);
}

bool left_here(uint32_t pc, uint32_t *cycles) {
  if (pc != access_pc) return false;
  *cycles = access_cycles;
  return true;
}

/* The block behind a device access begins. */
static void on_rest(unsigned vcpu, void *data) {
  struct block *b = data;
  const struct block *from = left_block();
  goes_on_at = access_pc = NOWHERE;
  if (then != ctl->count) { /* an interrupt came first */
    if (b->call) b->call(vcpu, b);
    return;
  }
  if (b->entry != NONE && syms[b->entry].arm) slow_path(b, false);
  if (b->timing == NULL) return;
  if (!lean) {
    timing_enter(b->timing, core);
  } else if (b->timing->end == from->timing->end) { /* what it adds inline, less what is left of the other */
    timing.page->cycles += timing_rest(from->timing, (uint32_t)(b->pc - from->pc));
    timing.page->cycles -= (uint64_t)(int64_t)b->timing->alone;
    timing_unseen_loads(b->timing, from->timing, core);
  } else {
    if (b->call) b->call(vcpu, b);
    timing.page->cycles -= b->timing->jump;
  }
}

static void on_either(unsigned vcpu, void *data) {
  const struct block *b = data;
  if (goes_on_at == b->pc)
    on_rest(vcpu, data);
  else if (b->call)
    b->call(vcpu, data);
}

static void on_left_block(unsigned vcpu, void *data) {
  (void)vcpu;
  last = (uint64_t)(uintptr_t)data;
}

/* Whether what is in front of that address may be an access of a device. */
static bool behind_access(uint32_t pc) {
  uint16_t half[2];
  struct op op;
  for (unsigned size = 2; size <= 4; size += 2) {
    if (!codemap_instruction(pc - size, half)) return true;
    decode(pc - size, half, size, &op);
    if (thumb_size(half[0]) == size && may_reach_device(&op)) return true;
  }
  return false;
}

static const uint16_t *rest_of(const struct op *ops, size_t n, uint32_t bytes) {
  uint16_t *rest = take_memory(bytes / 2 * sizeof *rest);
  for (size_t i = 0, at = 0; i < n; at += ops[i++].size) rest[at >> 1] = (uint16_t)(n - i);
  return rest;
}

static void watch_single(struct qemu_plugin_tb *tb, uint32_t pc, uint32_t size) {
  struct single *s = take_memory(sizeof *s);
  *s = (struct single){pc, pc + size, false};
  qemu_plugin_register_vcpu_tb_exec_cb(tb, on_whole, CB_NO_REGS, s);
  qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, 0), on_device, CB_NO_REGS, MEM_R | MEM_W, s);
}

bool left_translate(struct qemu_plugin_tb *tb, struct block *b, const struct op *ops, size_t n,
                    void (*call)(unsigned, void *), int access) {
  bool may_be_left = false, may_be_rest = on && behind_access((uint32_t)b->pc);
  b->call = call;
  if (!on) {
    if (call) qemu_plugin_register_vcpu_tb_exec_cb(tb, call, access, b);
    return call != NULL;
  }
  for (size_t i = 0; i < n; i++) b->bytes += ops[i].size;
  for (size_t i = 0; i + 1 < n; i++) may_be_left |= may_reach_device(&ops[i]);
  if (n == 1 && may_reach_device(&ops[0])) watch_single(tb, (uint32_t)b->pc, ops[0].size);
  if (!may_be_rest) {
    if (call) qemu_plugin_register_vcpu_tb_exec_cb(tb, call, access, b);
  } else if (call && !block_calls_if(tb, NOT_EQUAL, &goes_on_at, b->pc, call, access, b)) {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_either, access, b);
  } else if (!block_calls_if(tb, EQUAL, &goes_on_at, b->pc, on_rest, access, b)) { /* the second: it moves goes_on_at */
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_either, access, b);
  }
  if (may_be_left) {
    b->rest = rest_of(ops, n, b->bytes);
    if (!block_stores(tb, &last, (uint64_t)(uintptr_t)b))
      qemu_plugin_register_vcpu_tb_exec_cb(tb, on_left_block, CB_NO_REGS, b);
  }
  return call != NULL && !may_be_rest;
}
