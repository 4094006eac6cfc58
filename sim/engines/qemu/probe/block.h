/* What the probe keeps of a block of translated code.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "control.h"

struct block {
  uint64_t pc;
  uint32_t instructions; /* what the block adds to the count; 0 where instructions count themselves */
  uint32_t entry;        /* index of the symbol that starts here, or NONE */
  uint64_t link;         /* address after a linked call at its end, or 0 */
  uint8_t *watch;        /* not 0: a return address of an open region may be here */
  struct timing_block *timing;
  uint32_t cycles;       /* symbol in mid-block: what the block added for the code from here on */
  bool looks;            /* the limit is looked at here: so stops are at the same places whatever else is watched */
  uint32_t bytes;        /* of its code */
  const uint16_t *rest;  /* instructions to the end from each halfword, where it may be left in its middle */
  void (*call)(unsigned, void *); /* what is called when it begins, or NULL */
  uint32_t adds;         /* instructions that `call` counts for it; 0: translated code does */
  int32_t adds_cycles;   /* the same of cycles */
  uint32_t function;     /* index of the symbol that it belongs to, where calls are watched */
};

#pragma GCC visibility push(hidden)
extern bool lean; /* cycles of blocks are added inline, as far as they are known at translation */

/* What is rare at the start of a block: a return, an armed symbol, the limit, a full ring. `inner`: of a part of it. */
void slow_path(const struct block *b, bool inner);
/* Where nothing is mapped below the RAM of a twin, a store there is a fault; on others it is lost without a word. */
void stack_has_left(const struct block *b);
#pragma GCC visibility pop

/* The limit is reached. */
static inline bool over(const struct block *b) { return b->looks & (*image_clock >= ctl->limit); }
