/* Instructions of the FPU: Armv7-M ARM A6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "operands.h"

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

void decode_fp(uint32_t at, uint32_t h0, uint32_t h1, struct op *op) {
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
