/* What can be known of an image's code before it runs: behind calls, at the ends of branches, in front of both.
 *
 * Two things are asked. Can a call return here? Only there a region or a function can end. And: does the core get here
 * by a jump or by running on from the code in front? Where that is sure, the cost of the jump is part of the block's
 * own, added inline, and nobody has to look when it runs.
 *
 * All of it is read from the bytes of the image: direct branches by their encodings, tables of branches by giving up the
 * function that has one. Data that looks like code makes answers less sure, never wrong.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_CODEMAP_H
#define BOARDLESS_CODEMAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODE_AT = 1280 }; /* of the control file */

struct code_area { /* as in sim/engines/qemu/code.py */
  uint32_t low, size; /* addresses that it covers */
  uint32_t bytes_at;  /* the image's bytes there: offset in the control file */
};

/* How the core gets to a block that begins at an address. */
enum code_arrival {
  ARRIVES_EITHER, /* by a jump, or from the code in front of it */
  ARRIVES_JUMP,   /* what is in front is no branch that may be not taken */
  ARRIVES_FALL,   /* behind such a branch, and no branch leads here */
};

#pragma GCC visibility push(hidden)
/* `crossings`: branches from one function into the middle of another are looked for too. */
void codemap_install(void *control_file, bool crossings);
/* The image's code was changed there. */
void codemap_write(uint32_t address, const uint8_t *bytes, size_t size);
bool codemap_returns(uint32_t pc);  /* a call may return here */
bool codemap_jumped_to(uint32_t pc); /* a direct branch leads here */
bool codemap_crossed(uint32_t pc);  /* a branch of another function may lead here */
enum code_arrival codemap_arrival(uint32_t pc);
/* The instruction there; false where the image does not say. */
bool codemap_instruction(uint32_t pc, uint16_t half[2]);

/* Target of a direct branch: B (Armv7-M ARM A7.7.12, four encodings), CBZ, CBNZ (A7.7.21), BL (A7.7.18), and LE of
 * Armv8.1-M; 0 for every other instruction. */
uint32_t branch_target(const uint16_t half[2], uint32_t at);
/* BL immediate or BLX register (A7.7.18, A7.7.19): the instruction that sets LR to what follows it. */
bool is_linked_call(const uint16_t half[2]);
#pragma GCC visibility pop
#endif
