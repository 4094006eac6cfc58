/* Thumb-2 (Armv7E-M, Armv8-M mainline) instructions as far as their timing depends on them.
 *
 * One call per instruction when QEMU translates it; nothing here runs while the core does.
 * Encodings: Armv7-M Architecture Reference Manual, chapters A5 (encoding), A6 (floating point), A7 (instructions).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_DECODE_H
#define BOARDLESS_DECODE_H
#include <stdbool.h>
#include <stdint.h>

enum kind {
  K_ALU,        /* data processing, also saturating and parallel arithmetic, moves, bit fields */
  K_MUL,        /* multiply with a 32-bit result, no accumulation */
  K_MLA,        /* multiply and accumulate, 32-bit result, also dual multiplies */
  K_MULL,       /* long multiply */
  K_MLAL,       /* long multiply and accumulate */
  K_DIV,
  K_LOAD,       /* one register, core or FPU (n words) */
  K_STORE,
  K_LOAD_MANY,  /* LDM, POP, VLDM, VPOP: n words */
  K_STORE_MANY,
  K_LOAD_TWO,   /* LDRD */
  K_STORE_TWO,
  K_IT,
  K_NOP,        /* hints, preloads */
  K_BRANCH,     /* direct, with or without condition, also compare and branch, also BL */
  K_BRANCH_REG, /* BX, BLX, MOV to pc, ADD to pc */
  K_TABLE,      /* TBB, TBH */
  K_SYSTEM,     /* MRS, MSR, CPS */
  K_EXCEPTION,  /* SVC, UDF */
  K_BARRIER,
  K_FP,         /* VADD, VSUB, VMUL, VABS, VNEG, VMOV, VCVT, VCMP, VSEL, ... */
  K_FP_MAC,     /* VMLA, VMLS, VNMLA, VNMLS, VFMA, VFMS, VFNMA, VFNMS */
  K_FP_DIV,     /* VDIV, VSQRT */
  K_FP_CORE,    /* between core and FPU: n registers */
};

enum { /* struct op, flags */
  F_WRITE_BACK = 1,
  F_REGISTER = 2,  /* address has a register offset */
  F_LITERAL = 4,   /* address is relative to pc: in `literal` */
  F_TO_PC = 8,     /* writes pc: ends the block */
  F_CONDITION = 16,/* branch may be not taken */
  F_FP = 32,       /* of the FPU, or a load or store of its registers */
  F_DOUBLE = 64,   /* FPU, 64-bit operands */
  F_MOVES = 128,   /* rd = rn + imm, nothing else: pointer can be followed */
};

struct op {
  uint8_t kind, size, n, width; /* width: bytes of one access */
  uint8_t flags;
  uint8_t rd, rn, rm, shift;    /* of the address, or of a move (F_MOVES) */
  uint8_t it;                   /* IT: number of instructions it holds */
  uint16_t reads, writes;       /* core registers; flags and pc left out */
  uint16_t address;             /* core registers that the address is made of */
  uint32_t fp_reads, fp_writes; /* single registers s0..s31 */
  int32_t imm;                  /* offset of the address (before the access), or of a move */
  int32_t update;               /* what write-back adds to rn */
  uint32_t literal;             /* address of a literal, or target of a direct branch */
};

/* Bytes of the instruction that starts with this halfword. QEMU 7.2 says 4 of a short one at the end of a page: it has
 * looked at what follows. */
static inline unsigned thumb_size(uint16_t first) { return first >> 11 >= 0x1d ? 4 : 2; }

#pragma GCC visibility push(hidden)
void decode(uint32_t at, const uint16_t half[2], unsigned size, struct op *op);
#pragma GCC visibility pop
#endif
