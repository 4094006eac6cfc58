/* See operands.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "operands.h"

void moves(struct op *op, unsigned rd, unsigned rn, int32_t imm) {
  op->flags |= F_MOVES;
  op->rd = (uint8_t)rd;
  op->rn = (uint8_t)rn;
  op->imm = imm;
}

void access(struct op *op, bool load, unsigned width, unsigned rt, unsigned rn, int32_t imm) {
  op->kind = load ? K_LOAD : K_STORE;
  op->width = (uint8_t)width;
  op->n = 1;
  op->rn = (uint8_t)rn;
  op->imm = imm;
  op->address = BIT(rn);
  reads(op, rn);
  if (load)
    writes(op, rt);
  else
    reads(op, rt);
}

void by_register(struct op *op, unsigned rm, unsigned shift) {
  op->flags |= F_REGISTER;
  op->rm = (uint8_t)rm;
  op->shift = (uint8_t)shift;
  op->address |= BIT(rm);
  reads(op, rm);
}

void indexed(struct op *op, bool before, bool up, bool back, int32_t imm) {
  int32_t signed_imm = up ? imm : -imm;
  op->imm = before ? signed_imm : 0;
  if (back) {
    op->flags |= F_WRITE_BACK;
    op->update = signed_imm;
    op->writes |= BIT(op->rn);
  }
}

void literal(struct op *op, uint32_t at, int32_t imm) {
  op->flags |= F_LITERAL;
  op->literal = ((at + 4) & ~3u) + (uint32_t)imm;
  op->address = 0;
}

void many(struct op *op, bool load, unsigned list, unsigned rn, bool back, bool down) {
  op->kind = load ? K_LOAD_MANY : K_STORE_MANY;
  op->width = 4;
  op->n = (uint8_t)__builtin_popcount(list);
  op->rn = (uint8_t)rn;
  op->address = BIT(rn);
  op->imm = down ? -4 * op->n : 0;
  reads(op, rn);
  if (back) {
    op->flags |= F_WRITE_BACK;
    op->update = (down ? -4 : 4) * op->n;
    op->writes |= BIT(rn);
  }
  if (load) {
    op->writes |= (uint16_t)(list & 0x7fff);
    if (list & 0x8000) op->flags |= F_TO_PC;
  } else {
    op->reads |= (uint16_t)(list & 0x7fff);
  }
}

void branch(struct op *op, uint32_t at, int32_t offset, bool condition) {
  op->kind = K_BRANCH;
  op->flags |= F_TO_PC | (condition ? F_CONDITION : 0);
  op->literal = at + 4 + (uint32_t)offset;
}
