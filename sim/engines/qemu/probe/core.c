/* See core.h.
 *
 * Cortex-M4: "Arm Cortex-M4 Processor Technical Reference Manual" (DDI 0439): table 3-1 (instructions), 3.3.2 (loads and
 * stores), table 7-1 (FPU). Cortex-M3: the same of DDI 0337. Cortex-M33 and M7: no table is published; what is here is
 * a structure with guesses, see docs/cycles.md.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

static bool computes(const struct op *op) { return op->kind <= K_DIV; }
static bool fp_arithmetic(const struct op *op) { return op->kind == K_FP || op->kind == K_FP_MAC || op->kind == K_FP_DIV; }

/* "LDR [any] are pipelined when possible": base update or not, also of an FPU register. The manual does not say so of
 * VLDR; measurements do (docs/cycles.md). */
static bool load_pairs(const struct timing_page *page, const struct op *op) {
  return page->core <= 4 && op->kind == K_LOAD && op->n == 1 && !(op->flags & F_TO_PC);
}

/* STR with an immediate offset takes one cycle anyway. */
static bool pairs(const struct timing_page *page, const struct op *op) {
  if (page->core > 4 || op->n != 1 || (op->flags & F_TO_PC)) return false;
  return op->kind == K_LOAD || (op->kind == K_STORE && (op->flags & (F_REGISTER | F_FP)));
}

/* What the load at the end of a pair leaves in registers that the other one must not need for its address. */
static uint16_t result_of(const struct op *load) {
  return load->flags & F_WRITE_BACK ? (uint16_t)(load->writes & ~(1u << load->rn)) : load->writes;
}

/* ---- Cortex-M3 and M4 ---- */
static unsigned m4(const struct timing_page *page, const struct op *before, const struct op *op) {
  bool m3 = page->core == 3;
  unsigned c = 1;
  switch (op->kind) {
    case K_MLA: c = m3 ? 2 : 1; break;
    case K_MULL: c = m3 ? 4 : 1; break; /* M3: 3 to 5 */
    case K_MLAL: c = m3 ? 5 : 1; break; /* M3: 4 to 7 */
    case K_DIV: c = page->divide; break;
    case K_LOAD: c = 1u + op->n; break;
    case K_STORE: c = op->flags & F_FP ? 1u + op->n : op->flags & F_REGISTER ? 2 : 1; break;
    case K_LOAD_MANY:
    case K_STORE_MANY:
    case K_LOAD_TWO:
    case K_STORE_TWO: c = 1u + op->n; break;
    case K_TABLE: c = 2; break;
    case K_SYSTEM:
    case K_EXCEPTION: c = 2; break;
    case K_IT: c = before != NULL && before->size == 2 ? 0 : 1; break; /* folded */
    case K_FP_MAC: c = 3; break;
    case K_FP_DIV: c = 14; break;
    case K_FP_CORE: c = op->n; break;
    default: break;
  }
  if (before == NULL) return c;
  if (load_pairs(page, before) && pairs(page, op) && !(op->address & result_of(before))) c--;
  /* No forwarding from the ALU to the address. */
  if (computes(before) && (op->address & before->writes)) c++;
  if (fp_arithmetic(before) && (op->fp_reads & before->fp_writes)) c++;
  return c;
}

/* ---- Cortex-M33 ---- */
static bool loads(const struct op *op) {
  return op->kind == K_LOAD || op->kind == K_LOAD_TWO || op->kind == K_LOAD_MANY;
}

/* `first`, `before`: the two instructions in front of it. A loaded register is there one instruction later, for an
 * address two: guesses, as Arm says nothing. */
static unsigned m33(const struct timing_page *page, const struct op *first, const struct op *before,
                    const struct op *op) {
  unsigned c = 1;
  switch (op->kind) {
    case K_DIV: c = page->divide; break;
    case K_LOAD:
    case K_LOAD_MANY:
    case K_STORE_MANY:
    case K_LOAD_TWO:
    case K_STORE_TWO: c = op->n; break;
    case K_TABLE: c = 2; break;
    case K_SYSTEM:
    case K_EXCEPTION: c = 2; break;
    case K_IT: c = before != NULL && before->size == 2 ? 0 : 1; break;
    case K_FP_MAC: c = 3; break;
    case K_FP_DIV: c = 14; break;
    case K_FP_CORE: c = op->n; break;
    default: break;
  }
  if (before == NULL) return c;
  if (loads(before)) {
    if ((op->reads & result_of(before)) || (op->fp_reads & before->fp_writes)) c++;
    if (op->address & result_of(before)) c++;
  }
  if (first != NULL && loads(first) && (op->address & result_of(first) & ~before->writes)) c++;
  if (fp_arithmetic(before) && (op->fp_reads & before->fp_writes)) c++;
  return c;
}

/* ---- Cortex-M7: two at a time, in order, results ready some cycles later ---- */
static bool touches_memory(const struct op *op) {
  return (op->kind >= K_LOAD && op->kind <= K_STORE_TWO) || op->kind == K_TABLE;
}
static bool alone(const struct op *op) {
  return op->n > 1 || op->kind == K_DIV || op->kind == K_SYSTEM || op->kind == K_EXCEPTION || op->kind == K_BARRIER || op->kind == K_IT ||
         op->kind == K_TABLE || op->kind == K_FP_DIV;
}
static unsigned latency(const struct timing_page *page, const struct op *op) {
  switch (op->kind) {
    case K_LOAD: case K_LOAD_TWO: case K_LOAD_MANY: return op->n + 1u;
    case K_MUL: case K_MLA: case K_MULL: case K_MLAL: return 2;
    case K_DIV: return page->divide;
    case K_FP: return 3;
    case K_FP_MAC: return 6;
    case K_FP_DIV: return op->flags & F_DOUBLE ? 30 : 16;
    case K_FP_CORE: return 2;
    default: return 1;
  }
}

static void m7(const struct timing_page *page, const struct op *ops, size_t n, uint8_t *cost) {
  unsigned now = 0, ready[16] = {0}, fp_ready[32] = {0}, last = 0;
  bool open = false; /* the other slot of cycle `now` is free */
  for (size_t i = 0; i < n; i++) {
    const struct op *op = &ops[i];
    unsigned at = now + !open, done;
    if (open) {
      const struct op *first = &ops[i - 1];
      if (alone(op) || (touches_memory(op) && touches_memory(first) && (op->kind == K_STORE || first->kind == K_STORE)) ||
          (op->reads & first->writes) || (op->fp_reads & first->fp_writes) ||
          (op->kind >= K_MUL && op->kind <= K_MLAL && first->kind >= K_MUL && first->kind <= K_MLAL) ||
          (fp_arithmetic(op) && fp_arithmetic(first)))
        at = now + 1;
    }
    for (unsigned r = 0; r < 16; r++)
      if ((op->reads >> r & 1) && ready[r] > at) at = ready[r];
    for (unsigned r = 0; r < 32; r++)
      if ((op->fp_reads >> r & 1) && fp_ready[r] > at) at = fp_ready[r];
    open = at == now && open ? false : !alone(op);
    now = at + (alone(op) && op->n > 1 ? (op->n - 1u) / 2 : 0);
    done = at + latency(page, op);
    for (unsigned r = 0; r < 16; r++)
      if (op->writes >> r & 1) ready[r] = op->flags & F_WRITE_BACK && r == op->rn ? at + 1 : done;
    for (unsigned r = 0; r < 32; r++)
      if (op->fp_writes >> r & 1) fp_ready[r] = done;
    cost[i] = (uint8_t)(now - last);
    last = now;
  }
}

void core_costs(const struct timing_page *page, const struct op *ops, size_t n, uint8_t *cost) {
  if (page->core == 7) {
    m7(page, ops, n, cost);
    return;
  }
  for (size_t i = 0; i < n; i++)
    cost[i] = (uint8_t)(page->core == 33 ? m33(page, i > 1 ? &ops[i - 2] : NULL, i ? &ops[i - 1] : NULL, &ops[i])
                                         : m4(page, i ? &ops[i - 1] : NULL, &ops[i]));
}
