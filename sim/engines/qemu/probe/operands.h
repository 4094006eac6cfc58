/* What a decoder says of an instruction, in words of the manual. For decode*.c only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "decode.h"

#define BIT(r) ((uint16_t)(1u << (r)))
enum { SP = 13, LR = 14, PC = 15 };

#pragma GCC visibility push(hidden)
void decode_16(uint32_t at, uint32_t h, struct op *op);
void decode_32(uint32_t at, uint32_t h0, uint32_t h1, struct op *op);
void decode_fp(uint32_t at, uint32_t h0, uint32_t h1, struct op *op); /* coprocessors 10 and 11 */

/* rd = rn + imm, and nothing else. */
void moves(struct op *op, unsigned rd, unsigned rn, int32_t imm);
/* A load or store of one register, or of `n` words from there. */
void access(struct op *op, bool load, unsigned width, unsigned rt, unsigned rn, int32_t imm);
void by_register(struct op *op, unsigned rm, unsigned shift);
/* P, U, W addressing: before or after, up or down, with or without write-back. */
void indexed(struct op *op, bool before, bool up, bool back, int32_t imm);
void literal(struct op *op, uint32_t at, int32_t imm);
void many(struct op *op, bool load, unsigned list, unsigned rn, bool back, bool down);
void branch(struct op *op, uint32_t at, int32_t offset, bool condition);
#pragma GCC visibility pop

static inline uint32_t bits(uint32_t word, unsigned high, unsigned low) {
  return word >> low & ((2u << (high - low)) - 1);
}

static inline void reads(struct op *op, unsigned r) { op->reads |= r == PC ? 0 : BIT(r); }

static inline void writes(struct op *op, unsigned r) {
  if (r == PC)
    op->flags |= F_TO_PC;
  else
    op->writes |= BIT(r);
}
