/* See stretches.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stretches.h"

#include "control.h"
#include "inline.h"

static bool may_access(const struct op *op) {
  return (op->kind >= K_LOAD && op->kind <= K_STORE_TWO) || op->kind == K_TABLE || op->kind == K_SYSTEM;
}

void count_stretches(struct qemu_plugin_tb *tb, const struct op *ops, size_t n) {
  for (size_t i = 0, j; i < n; i = j) {
    for (j = i; j < n; j++) {
      /* a stop at a symbol shows the count */
      if (j > i && symbol_at(qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, j))) != NONE) break;
      if (may_access(&ops[j])) {
        j++;
        break;
      }
    }
    instruction_adds(qemu_plugin_tb_get_insn(tb, i), &ctl->count, j - i);
  }
}
