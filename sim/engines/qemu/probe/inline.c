/* See inline.h.
 *
 * From version 2 on the operands of such code lie in a scoreboard: an array of QEMU's, an entry a processor, of which
 * code is given the offset. The machines have one processor, so any place in this process can be one, as an offset.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "inline.h"

struct place { /* qemu_plugin_u64, passed by value */
  void *score;
  size_t offset;
};
enum { ADD = 0, STORE = 1 };

static struct place place_of(uint64_t *at) {
  static void *score;
  static uint8_t *base;
  if (score == NULL) {
    score = ((void *(*)(size_t))qemu_symbol("qemu_plugin_scoreboard_new"))(sizeof *at);
    base = ((uint8_t * (*)(void *, unsigned)) qemu_symbol("qemu_plugin_scoreboard_find"))(score, 0);
  }
  return (struct place){score, (size_t)((uint8_t *)at - base)};
}

/* `of`: a block or an instruction. */
static void by_place(const char *name, void *of, int what, uint64_t *to, uint64_t amount) {
  ((void (*)(void *, int, struct place, uint64_t))qemu_symbol(name))(of, what, place_of(to), amount);
}

static void by_pointer(const char *name, void *of, uint64_t *to, uint64_t amount) { /* version 1 */
  ((void (*)(void *, int, void *, uint64_t))qemu_symbol(name))(of, ADD, to, amount);
}

void block_adds(struct qemu_plugin_tb *tb, uint64_t *to, uint64_t amount) {
  if (qemu_plugin_version < 2)
    by_pointer("qemu_plugin_register_vcpu_tb_exec_inline", tb, to, amount);
  else
    by_place("qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu", tb, ADD, to, amount);
}

void instruction_adds(struct qemu_plugin_insn *insn, uint64_t *to, uint64_t amount) {
  if (qemu_plugin_version < 2)
    by_pointer("qemu_plugin_register_vcpu_insn_exec_inline", insn, to, amount);
  else
    by_place("qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu", insn, ADD, to, amount);
}

static void *conditional(void) { return qemu_symbol("qemu_plugin_register_vcpu_tb_exec_cond_cb"); }

bool block_stores(struct qemu_plugin_tb *tb, uint64_t *to, uint64_t value) {
  if (conditional() == NULL) return false; /* came with the stores */
  by_place("qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu", tb, STORE, to, value);
  return true;
}

bool block_calls_if(struct qemu_plugin_tb *tb, enum condition condition, uint64_t *of, uint64_t value,
                    void (*call)(unsigned, void *), int access, void *data) {
  void *f = conditional();
  if (f == NULL) return false;
  ((void (*)(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, int, struct place, uint64_t, void *))f)(
      tb, call, access, condition, place_of(of), value, data);
  return true;
}
