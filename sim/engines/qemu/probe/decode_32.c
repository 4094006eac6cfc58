/* Instructions of 32 bits, but for those of the FPU: Armv7-M ARM A5.3.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "operands.h"

static void double_or_exclusive(uint32_t h0, uint32_t h1, struct op *op) { /* 1110 100x x1xx */
  unsigned rn = bits(h0, 3, 0), rt = bits(h1, 15, 12), rt2 = bits(h1, 11, 8);
  bool before = h0 & 0x100, back = h0 & 0x20, load = h0 & 0x10;
  if (before || back) {
    access(op, load, 4, rt, rn, 0);
    op->kind = load ? K_LOAD_TWO : K_STORE_TWO;
    op->n = 2;
    if (load)
      writes(op, rt2);
    else
      reads(op, rt2);
    indexed(op, before, h0 & 0x80, back, (int32_t)bits(h1, 7, 0) * 4);
  } else if ((h0 & 0xfff0) == 0xe8d0 && bits(h1, 7, 5) == 0) {
    op->kind = K_TABLE;
    op->width = h1 & 0x10 ? 2 : 1;
    op->n = 1;
    op->flags |= F_TO_PC;
    op->address = (uint16_t)((rn == PC ? 0 : BIT(rn)) | BIT(h1 & 15));
    op->reads = op->address;
    op->rn = (uint8_t)rn;
    op->rm = (uint8_t)(h1 & 15);
  } else { /* exclusive, acquire, release: size in another place, alignment always right */
    access(op, load, 4, rt, rn, (h0 & 0x80) == 0 ? (int32_t)bits(h1, 7, 0) * 4 : 0);
    if (!load) writes(op, (h0 & 0x80) == 0 ? rt2 : bits(h1, 3, 0));
  }
}

static void shifted_register(uint32_t h0, uint32_t h1, struct op *op) { /* 1110 101 */
  unsigned what = bits(h0, 8, 5), rn = bits(h0, 3, 0), rd = bits(h1, 11, 8), rm = bits(h1, 3, 0);
  bool compare = (h0 & 0x10) && rd == PC;
  reads(op, rn);
  reads(op, rm);
  if (!compare) writes(op, rd);
  if (what == 2 && rn == PC && (h1 & 0x70f0) == 0 && rd != PC) moves(op, rd, rm, 0); /* MOV.W */
}

static uint32_t modified_immediate(uint32_t h0, uint32_t h1) { /* A5.3.2 */
  uint32_t imm = bits(h0, 10, 10) << 11 | bits(h1, 14, 12) << 8 | bits(h1, 7, 0), low = imm & 0xff, value, by;
  switch (imm >> 8) {
    case 0: return low;
    case 1: return low << 16 | low;
    case 2: return low << 24 | low << 8;
    case 3: return low * 0x01010101u;
    default:
      value = 0x80 | (imm & 0x7f);
      by = imm >> 7;
      return value >> by | value << (32 - by);
  }
}

static void immediate(uint32_t h0, uint32_t h1, struct op *op) { /* 1111 0, bit 15 of the second half 0 */
  unsigned rn = bits(h0, 3, 0), rd = bits(h1, 11, 8), what = bits(h0, 8, 5);
  uint32_t plain = bits(h0, 10, 10) << 11 | bits(h1, 14, 12) << 8 | bits(h1, 7, 0);
  if (h0 & 0x200) { /* plain binary immediate */
    what = bits(h0, 8, 4);
    if (what != 4 && rn != PC) reads(op, rn);
    if (what == 12 || what == 22) reads(op, rd); /* MOVT, BFI */
    writes(op, rd);
    if ((what == 0 || what == 10) && rn != PC && rd != PC) moves(op, rd, rn, (int32_t)(what ? -plain : plain));
    return;
  }
  if (rn != PC) reads(op, rn);
  if (!((h0 & 0x10) && rd == PC)) writes(op, rd);
  if ((what == 8 || what == 13) && rd != PC)
    moves(op, rd, rn, (int32_t)(what == 8 ? modified_immediate(h0, h1) : -modified_immediate(h0, h1)));
}

static void branch_or_system(uint32_t at, uint32_t h0, uint32_t h1, struct op *op) { /* 1111 0, then 1 */
  uint32_t sign = bits(h0, 10, 10), j1 = bits(h1, 13, 13), j2 = bits(h1, 11, 11);
  if ((h1 & 0x5000) == 0 && bits(h0, 9, 7) != 7) {
    branch(op, at,
           (int32_t)(sign << 31 | j2 << 30 | j1 << 29 | bits(h0, 5, 0) << 23 | bits(h1, 10, 0) << 12) >> 11, true);
  } else if (h1 & 0x1000) {
    branch(op, at,
           (int32_t)(sign << 31 | (j1 == sign) << 30 | (j2 == sign) << 29 | bits(h0, 9, 0) << 19 |
                     bits(h1, 10, 0) << 8) >>
               7,
           false);
    if (h1 & 0x4000) op->writes |= BIT(LR);
  } else if ((h0 & 0xfff0) == 0xf3b0) {
    op->kind = K_BARRIER;
  } else if ((h0 & 0xfff0) == 0xf3a0) {
    op->kind = K_NOP;
  } else {
    op->kind = K_SYSTEM;
    if ((h0 & 0xffe0) == 0xf3e0)
      writes(op, bits(h1, 11, 8));
    else
      reads(op, bits(h0, 3, 0));
  }
}

static void load_store(uint32_t at, uint32_t h0, uint32_t h1, struct op *op) { /* 1111 100 */
  unsigned rn = bits(h0, 3, 0), rt = bits(h1, 15, 12), width = 1u << bits(h0, 6, 5);
  bool load = h0 & 0x10;
  if (load && rt == PC && width != 4) {
    op->kind = K_NOP; /* preload */
    return;
  }
  access(op, load, width, rt, rn, 0);
  if (rn == PC)
    literal(op, at, h0 & 0x80 ? (int32_t)bits(h1, 11, 0) : -(int32_t)bits(h1, 11, 0));
  else if (h0 & 0x80)
    op->imm = (int32_t)bits(h1, 11, 0);
  else if (h1 & 0x800)
    indexed(op, h1 & 0x400, h1 & 0x200, h1 & 0x100, (int32_t)bits(h1, 7, 0));
  else
    by_register(op, bits(h1, 3, 0), bits(h1, 5, 4));
}

static void register_32(uint32_t h0, uint32_t h1, struct op *op) { /* 1111 1010 */
  if (bits(h0, 3, 0) != PC || !(h1 & 0x80)) reads(op, bits(h0, 3, 0));
  reads(op, bits(h1, 3, 0));
  writes(op, bits(h1, 11, 8));
}

static void multiply(uint32_t h0, uint32_t h1, struct op *op) { /* 1111 1011 */
  unsigned ra = bits(h1, 15, 12), rd = bits(h1, 11, 8), what = bits(h0, 6, 4);
  reads(op, bits(h0, 3, 0));
  reads(op, bits(h1, 3, 0));
  writes(op, rd);
  if (!(h0 & 0x80)) {
    op->kind = ra == PC ? K_MUL : K_MLA;
    reads(op, ra);
  } else if (what == 1 || what == 3) {
    op->kind = K_DIV;
  } else {
    op->kind = what >= 4 ? K_MLAL : K_MULL;
    writes(op, ra);
    if (what >= 4) {
      reads(op, ra);
      reads(op, rd);
    }
  }
}

void decode_32(uint32_t at, uint32_t h0, uint32_t h1, struct op *op) {
  if ((h0 & 0xec00) == 0xec00) {
    if (bits(h1, 11, 9) == 5)
      decode_fp(at, h0, h1, op);
    else
      op->kind = K_SYSTEM; /* other coprocessors */
  } else if ((h0 & 0xfe40) == 0xe800) {
    many(op, h0 & 0x10, h1, bits(h0, 3, 0), h0 & 0x20, bits(h0, 8, 7) == 2);
  } else if ((h0 & 0xfe40) == 0xe840) {
    double_or_exclusive(h0, h1, op);
  } else if ((h0 & 0xfe00) == 0xea00) {
    shifted_register(h0, h1, op);
  } else if ((h0 & 0xf800) == 0xf000) {
    if (h1 & 0x8000)
      branch_or_system(at, h0, h1, op);
    else
      immediate(h0, h1, op);
  } else if ((h0 & 0xfe00) == 0xf800) {
    load_store(at, h0, h1, op);
  } else if ((h0 & 0xff00) == 0xfa00) {
    register_32(h0, h1, op);
  } else {
    multiply(h0, h1, op);
  }
}
