/* Instructions of 16 bits: Armv7-M ARM A5.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "operands.h"

static void data_16(uint32_t h, struct op *op) { /* 010000 */
  unsigned what = bits(h, 9, 6), rd = bits(h, 2, 0), rm = bits(h, 5, 3);
  reads(op, rm);
  if (what != 9 && what != 15) reads(op, rd);
  if (what != 8 && what != 10 && what != 11) writes(op, rd);
  if (what == 13) op->kind = K_MUL;
}

static void special_16(uint32_t h, struct op *op) { /* 010001 */
  unsigned what = bits(h, 9, 8), rd = bits(h, 2, 0) | bits(h, 7, 7) << 3, rm = bits(h, 6, 3);
  reads(op, rm);
  if (what == 3) {
    op->kind = K_BRANCH_REG;
    op->flags |= F_TO_PC;
    if (h & 0x80) op->writes |= BIT(LR);
    return;
  }
  if (what != 2) reads(op, rd);
  if (what == 1) return;
  writes(op, rd);
  if (op->flags & F_TO_PC)
    op->kind = K_BRANCH_REG;
  else if (what == 2 && rm != PC)
    moves(op, rd, rm, 0);
}

static void misc_16(uint32_t at, uint32_t h, struct op *op) { /* 1011 */
  unsigned rd = bits(h, 2, 0);
  if ((h & 0xff00) == 0xb000) {
    int32_t imm = (int32_t)bits(h, 6, 0) * 4;
    op->reads = op->writes = BIT(SP);
    moves(op, SP, SP, h & 0x80 ? -imm : imm);
  } else if ((h & 0xf500) == 0xb100) {
    reads(op, rd);
    branch(op, at, (int32_t)(bits(h, 9, 9) << 6 | bits(h, 7, 3) << 1), true);
  } else if ((h & 0xfe00) == 0xb400) {
    many(op, false, (h & 0xff) | bits(h, 8, 8) << 14, SP, true, true);
  } else if ((h & 0xfe00) == 0xbc00) {
    many(op, true, (h & 0xff) | bits(h, 8, 8) << 15, SP, true, false);
  } else if ((h & 0xff00) == 0xbf00) {
    op->kind = h & 15 ? K_IT : K_NOP;
    if (h & 15) op->it = (uint8_t)(4 - __builtin_ctz(h & 15));
  } else if ((h & 0xffe0) == 0xb660) {
    op->kind = K_SYSTEM;
  } else if ((h & 0xff00) == 0xbe00) {
    op->kind = K_NOP;
  } else { /* extend, reverse */
    reads(op, bits(h, 5, 3));
    writes(op, rd);
  }
}

void decode_16(uint32_t at, uint32_t h, struct op *op) {
  unsigned rd = bits(h, 2, 0), rn = bits(h, 5, 3), r8 = bits(h, 10, 8);
  static const uint8_t widths[8] = {4, 2, 1, 1, 4, 2, 1, 2};
  switch (bits(h, 15, 12)) {
    case 0:
    case 1:
      reads(op, rn);
      writes(op, rd);
      if ((h & 0xf800) == 0x1800) {
        if (h & 0x400)
          moves(op, rd, rn, h & 0x200 ? -(int32_t)bits(h, 8, 6) : (int32_t)bits(h, 8, 6));
        else
          reads(op, bits(h, 8, 6));
      }
      break;
    case 2: /* MOV, CMP immediate */
      if (h & 0x800)
        reads(op, r8);
      else
        writes(op, r8);
      break;
    case 3: /* ADD, SUB immediate */
      reads(op, r8);
      writes(op, r8);
      moves(op, r8, r8, h & 0x800 ? -(int32_t)bits(h, 7, 0) : (int32_t)bits(h, 7, 0));
      break;
    case 4:
      if (h & 0x800) {
        access(op, true, 4, r8, PC, 0);
        literal(op, at, (int32_t)bits(h, 7, 0) * 4);
      } else if (h & 0x400) {
        special_16(h, op);
      } else {
        data_16(h, op);
      }
      break;
    case 5:
      access(op, bits(h, 11, 9) >= 3, widths[bits(h, 11, 9)], rd, rn, 0);
      by_register(op, bits(h, 8, 6), 0);
      break;
    case 6:
      access(op, h & 0x800, 4, rd, rn, (int32_t)bits(h, 10, 6) * 4);
      break;
    case 7:
      access(op, h & 0x800, 1, rd, rn, (int32_t)bits(h, 10, 6));
      break;
    case 8:
      access(op, h & 0x800, 2, rd, rn, (int32_t)bits(h, 10, 6) * 2);
      break;
    case 9:
      access(op, h & 0x800, 4, r8, SP, (int32_t)bits(h, 7, 0) * 4);
      break;
    case 10: /* ADR, ADD to SP */
      writes(op, r8);
      if (h & 0x800) {
        reads(op, SP);
        moves(op, r8, SP, (int32_t)bits(h, 7, 0) * 4);
      }
      break;
    case 11:
      misc_16(at, h, op);
      break;
    case 12:
      many(op, h & 0x800, h & 0xff, r8, !(h & 0x800) || !(h >> r8 & 1), false);
      break;
    case 13:
      if (bits(h, 11, 8) >= 14)
        op->kind = K_EXCEPTION;
      else
        branch(op, at, (int8_t)h * 2, true);
      break;
    default:
      branch(op, at, (int32_t)(h << 21) >> 20, false);
      break;
  }
}
