/* See exact.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exact.h"

#include "pool.h"

void *exact_score;
uint64_t *exact_counter;
static const struct block no_block;
const struct block *previous = &no_block;

void exact_install(void) {
  if ((ctl->flags & FLAG_EXACT) && qemu_symbol("qemu_plugin_scoreboard_new") != NULL)
    exact_score = ((void *(*)(size_t))qemu_symbol("qemu_plugin_scoreboard_new"))(sizeof(uint64_t));
}

const uint16_t *rest_of(struct qemu_plugin_tb *tb, size_t n, uint64_t pc, uint64_t end) {
  uint16_t *rest = take_memory((end - pc) / 2 * sizeof *rest);
  for (size_t i = 0; i < n; i++) {
    uint64_t at = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i));
    rest[(at - pc) >> 1] = (uint16_t)(n - i);
  }
  return rest;
}

static void count_exactly(struct qemu_plugin_insn *insn, size_t n) {
  typedef void (*inline_v1)(struct qemu_plugin_insn *, int, void *, uint64_t);
  typedef void (*inline_v2)(struct qemu_plugin_insn *, int, struct scoreboard_u64, uint64_t);
  if (exact_score == NULL)
    ((inline_v1)qemu_symbol("qemu_plugin_register_vcpu_insn_exec_inline"))(insn, INLINE_ADD_U64, &ctl->count, n);
  else
    ((inline_v2)qemu_symbol("qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu"))(insn, INLINE_ADD_U64,
                                                                              (struct scoreboard_u64){exact_score, 0}, n);
}

static bool may_access(struct qemu_plugin_insn *insn) {
  uint16_t half[2];
  struct op op;
  opcode(insn, half);
  decode((uint32_t)qemu_plugin_insn_vaddr(insn), half, thumb_size(half[0]), &op);
  return (op.kind >= K_LOAD && op.kind <= K_STORE_TWO) || op.kind == K_TABLE || op.kind == K_SYSTEM;
}

void count_stretches(struct qemu_plugin_tb *tb, size_t n) {
  for (size_t i = 0, j; i < n; i = j) {
    for (j = i; j < n; j++) {
      struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, j);
      if (j > i && symbol_at(qemu_plugin_insn_vaddr(insn)) != NONE) break; /* a stop there shows the count */
      if (may_access(insn)) {
        j++;
        break;
      }
    }
    count_exactly(qemu_plugin_tb_get_insn(tb, i), j - i);
  }
}
