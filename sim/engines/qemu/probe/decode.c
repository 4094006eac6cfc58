/* See decode.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <string.h>

#define BIT(r) ((uint16_t)(1u << (r)))
enum { SP = 13, LR = 14, PC = 15 };

static uint32_t bits(uint32_t word, unsigned high, unsigned low) { return word >> low & ((2u << (high - low)) - 1); }

static void reads(struct op *op, unsigned r) { op->reads |= r == PC ? 0 : BIT(r); }

static void writes(struct op *op, unsigned r) {
  if (r == PC)
    op->flags |= F_TO_PC;
  else
    op->writes |= BIT(r);
}

static void moves(struct op *op, unsigned rd, unsigned rn, int32_t imm) {
  op->flags |= F_MOVES;
  op->rd = (uint8_t)rd;
  op->rn = (uint8_t)rn;
  op->imm = imm;
}

/* A load or store of one register, or of `n` words from there. */
static void access(struct op *op, bool load, unsigned width, unsigned rt, unsigned rn, int32_t imm) {
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

static void by_register(struct op *op, unsigned rm, unsigned shift) {
  op->flags |= F_REGISTER;
  op->rm = (uint8_t)rm;
  op->shift = (uint8_t)shift;
  op->address |= BIT(rm);
  reads(op, rm);
}

/* P, U, W addressing: before or after, up or down, with or without write-back. */
static void indexed(struct op *op, bool before, bool up, bool back, int32_t imm) {
  int32_t signed_imm = up ? imm : -imm;
  op->imm = before ? signed_imm : 0;
  if (back) {
    op->flags |= F_WRITE_BACK;
    op->update = signed_imm;
    op->writes |= BIT(op->rn);
  }
}

static void literal(struct op *op, uint32_t at, int32_t imm) {
  op->flags |= F_LITERAL;
  op->literal = ((at + 4) & ~3u) + (uint32_t)imm;
  op->address = 0;
}

static void many(struct op *op, bool load, unsigned list, unsigned rn, bool back, bool down) {
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

static void branch(struct op *op, uint32_t at, int32_t offset, bool condition) {
  op->kind = K_BRANCH;
  op->flags |= F_TO_PC | (condition ? F_CONDITION : 0);
  op->literal = at + 4 + (uint32_t)offset;
}

/* ---- 16 bits ---- */
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

static void decode_16(uint32_t at, uint32_t h, struct op *op) {
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

/* ---- 32 bits ---- */
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

/* ---- FPU ---- */
static uint32_t fp_mask(uint32_t four, uint32_t one, bool wide) {
  return wide ? 3u << ((four << 1) & 31) : 1u << (four << 1 | one);
}

static void fp_data(uint32_t h0, uint32_t h1, struct op *op) {
  bool wide = h1 & 0x100;
  uint32_t d = fp_mask(bits(h1, 15, 12), bits(h0, 6, 6), wide), n = fp_mask(bits(h0, 3, 0), bits(h1, 7, 7), wide),
           m = fp_mask(bits(h1, 3, 0), bits(h1, 5, 5), wide), two = bits(h0, 3, 0);
  op->kind = K_FP;
  op->fp_reads = m | n;
  op->fp_writes = d;
  if ((h0 & 0xff00) == 0xfe00) return; /* VSEL, VMAXNM, VRINT */
  switch (bits(h0, 7, 7) << 2 | bits(h0, 5, 4)) {
    case 2: case 3: break; /* VMUL, VNMUL; VADD, VSUB */
    case 4: op->kind = K_FP_DIV; break;
    case 7:
      op->fp_reads = h1 & 0x40 ? m : 0; /* VMOV immediate reads nothing */
      if (!(h1 & 0x40)) break;
      if (two == 1 && (h1 & 0x80)) op->kind = K_FP_DIV; /* VSQRT */
      if (two == 4 || two == 5) {                       /* VCMP */
        op->fp_reads = two == 4 ? m | d : d;
        op->fp_writes = 0;
      }
      break;
    default:
      op->kind = K_FP_MAC;
      op->fp_reads |= d;
      break;
  }
}

static void fp(uint32_t at, uint32_t h0, uint32_t h1, struct op *op) { /* coprocessors 10 and 11 */
  bool wide = h1 & 0x100;
  unsigned rn = bits(h0, 3, 0), rt = bits(h1, 15, 12);
  uint32_t d = fp_mask(bits(h1, 15, 12), bits(h0, 6, 6), wide);
  op->flags |= F_FP | (wide ? F_DOUBLE : 0);
  if ((h0 & 0xff00) == 0xee00 || (h0 & 0xff00) == 0xfe00) {
    if (!(h1 & 0x10)) {
      fp_data(h0, h1, op);
      return;
    }
    op->kind = K_FP_CORE;
    op->n = 1;
    op->fp_reads = fp_mask(bits(h0, 3, 0), bits(h1, 7, 7), false);
    if (bits(h0, 7, 5) == 7) op->fp_reads = 0; /* VMRS, VMSR */
    if (h0 & 0x10) {
      if (rt != PC) writes(op, rt);
    } else {
      op->fp_writes = op->fp_reads;
      op->fp_reads = 0;
      reads(op, rt);
    }
  } else if ((h0 & 0xffe0) == 0xec40) { /* two core registers */
    uint32_t m = wide ? fp_mask(bits(h1, 3, 0), 0, true) : 3u << (bits(h1, 3, 0) << 1 | bits(h1, 5, 5));
    op->kind = K_FP_CORE;
    op->n = 2;
    if (h0 & 0x10) {
      op->fp_reads = m;
      writes(op, rt);
      writes(op, rn);
    } else {
      op->fp_writes = m;
      reads(op, rt);
      reads(op, rn);
    }
  } else {
    bool load = h0 & 0x10, back = h0 & 0x20, before = h0 & 0x100, up = h0 & 0x80;
    int32_t imm = (int32_t)bits(h1, 7, 0) * 4;
    op->kind = load ? K_LOAD : K_STORE;
    op->width = 4;
    op->rn = (uint8_t)rn;
    op->n = wide ? 2 : 1;
    op->address = BIT(rn);
    reads(op, rn);
    if (before && !back) {
      op->imm = up ? imm : -imm;
      if (rn == PC) literal(op, at, op->imm);
    } else {
      op->kind = load ? K_LOAD_MANY : K_STORE_MANY;
      op->n = (uint8_t)bits(h1, 7, 0);
      op->imm = up ? 0 : -imm;
      for (unsigned i = wide ? 2 : 1; i < op->n && i < 32; i++) d |= d << 1;
      if (back) {
        op->flags |= F_WRITE_BACK;
        op->update = up ? imm : -imm;
        op->writes |= BIT(rn);
      }
    }
    if (load)
      op->fp_writes = d;
    else
      op->fp_reads = d;
  }
}

void decode(uint32_t at, const uint16_t half[2], unsigned size, struct op *op) {
  uint32_t h0 = half[0], h1 = half[1];
  memset(op, 0, sizeof *op);
  op->size = (uint8_t)size;
  op->kind = K_ALU;
  if (size == 2) {
    decode_16(at, h0, op);
  } else if ((h0 & 0xec00) == 0xec00) {
    if (bits(h1, 11, 9) == 5)
      fp(at, h0, h1, op);
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
