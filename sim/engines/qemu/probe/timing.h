/* Cycles: what a block costs on the core and its memory, added up while blocks execute.
 *
 * At translation `timing_block` works out what can be known then; at execution `timing_enter` adds it, the cost of the
 * jump that led there, and what the flash interface makes the core wait. Docs: docs/cycles.md.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_TIMING_H
#define BOARDLESS_TIMING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache.h"
#include "codemap.h"
#include "decode.h"

/* One page of the shared file: parameters from the board's file (sim/timing/pack.py writes them in this order), then
 * counters. */
enum { TIMING_AT = 2048 };
enum { BLOCK_MOST = 512 }; /* instructions of a block: TCG_MAX_INSNS of QEMU */
enum { LEVEL_OFF, LEVEL_CORE, LEVEL_MEMORY };

struct stalls { /* cycles in which the core waited for flash, and how often it had to */
  uint64_t fetch, data, fetch_misses, data_misses;
};

struct timing_page {
  uint32_t level;
  uint32_t core;               /* 3, 4, 7, 33 */
  uint32_t refill;             /* of a taken direct branch, on top of its own cycle */
  uint32_t refill_register;    /* the same to an address from a register or from memory */
  uint32_t refill_wide;        /* more where the target is a 32-bit instruction across a word */
  uint32_t divide;             /* SDIV, UDIV */
  uint32_t exception;          /* entry */
  uint32_t flash_at, flash_size;
  uint32_t fetch_wait;         /* wait states of an instruction fetch that misses */
  uint32_t data_wait;          /* of a load that misses */
  uint32_t unified;            /* one cache for instructions and data: `instruction` */
  uint32_t prefetch;           /* the line behind the present one is read ahead */
  struct cache_shape instruction, data;
  uint32_t spare[7];
  /* counters */
  uint64_t cycles;
  struct stalls stalls;
};

struct timing_fetch {
  uint32_t address; /* of the sector */
  uint16_t before;  /* cycles of the code in front of it that hide the read */
  uint16_t slot;    /* where it was found last */
};
struct timing_load { /* one load, or several that lie together */
  int32_t offset;
  uint16_t span;        /* bytes in front of the last word's end, less 4 */
  uint16_t slot;        /* of the cache, where it was last */
  uint8_t width, count; /* bytes of one, number of them */
};

/* Loads from one pointer. Where it is aligned as all of them need and not near flash, none of them costs anything. */
struct timing_pointer {
  uint8_t base, index, shift; /* registers at the start of the block; shift 32: no index */
  uint8_t aligned;            /* bits that must be 0 */
  int32_t offset;             /* of the first load */
  uint32_t inside;            /* where there is one only: bytes of a sector in which it may begin to end there too */
  uint32_t loads;
  struct timing_load *load;
};

struct timing_block {
  uint32_t pc, end, target; /* target: of a direct branch at its end, or 1 */
  uint32_t next;            /* where the core may run on to: `end`, or 1 behind a branch that is always taken */
  uint32_t cycles;          /* every line hit, entered by a jump; refill not in it */
  uint32_t inside;          /* bytes behind pc where the rest of it may begin, less 1 */
  uint8_t leave;            /* cycles to go elsewhere: refill of the branch at its end, or entry of an exception */
  uint8_t wide;             /* more for a jump here */
  int8_t joint;             /* cycles to add to the code behind it where the core runs on into it (joint.h) */
  bool runs_on;             /* it always does: QEMU cut straight code */
  uint16_t tail;            /* cycles of its last piece of code, hiding the next read */
  uint16_t fetches, literals, pointers;
  bool look;                /* timing_data always has something to look at: literals, a load that is not aligned where its
                               pointer is */
  const struct timing_block *front; /* `from`, where the core ran on from there: its code hides the read of lines */
  const struct timing_block *from; /* the block that was in front of it last, so that nothing has to be worked out */
  uint32_t here;            /* behind `from`: cycles, as far as they are known at translation */
  uint8_t arrival;          /* enum code_arrival */
  bool tells;               /* what comes behind it in memory has to know whether the core came from here */
  uint8_t jump;             /* cycles to jump here from a branch */
  uint16_t instructions;
  int32_t alone;            /* what it adds wherever the core came from, as far as that can be known (timing_lean) */
  uint32_t epoch;           /* of the instruction cache when all of it was found there */
  const uint16_t *rest;     /* cycles to the end from each halfword */
  struct timing_fetch *fetch;
  uint32_t *literal;
  struct timing_pointer *pointer;
  bool *unseen;             /* of each halfword: a load that timing_enter cannot see; NULL: there is none */
};

struct timing_state {
  uint64_t told;     /* count of instructions behind the last block that `tells` */
  uint64_t at_block; /* cycles when the present block began, without the jump to it */
  struct timing_block *last;
  uint32_t level, epoch;
  uint32_t flash_at, flash_size, sector_size;
  uint32_t near_at, near_size; /* flash and what an offset may lead there from */
  struct cache data; /* or for both, where there is one for both */
  struct timing_page *page; /* counts are kept there: the runner may look when no stop was made, say at a reset */
};
#pragma GCC visibility push(hidden)
extern struct timing_state timing;
enum { TIMING_NEAR = 1 << 16 }; /* bytes: offsets beyond are not put together with others */

void timing_setup(struct timing_page *page);

/* ops[n] of one block. `follow`: registers can be looked at when the block starts; then the loads that timing_enter can
 * see are taken from `watch` (one flag an instruction), where true asks for timing_access on each. */
struct timing_block *timing_block(uint32_t pc, const struct op *ops, size_t n, bool follow, bool *watch);

/* Works out what the block costs when nobody looks where the core came from: `alone`, `jump`, `arrival`, `tells`. Only
 * where blocks are never left in their middle, and where every branch refills as any other. */
void timing_lean(struct timing_block *b, const struct op *ops, size_t n);
bool timing_can_be_lean(void);

/* `front`: what the core ran on from, or NULL. */
uint32_t timing_walk(struct timing_block *b, const struct timing_block *front);
uint32_t timing_reads_ahead(void); /* bytes in front of a line from where on code hides the read of it */
uint32_t timing_miss(uint32_t address, uint16_t *slot);
uint32_t timing_literals(const struct timing_block *b);
void timing_access(uint32_t address, uint32_t width, uint32_t words, uint16_t *slot); /* slot: where it was last */

static inline bool timing_in_flash(uint32_t address) { return address - timing.flash_at < timing.flash_size; }

/* Extra cycles of a load that is not aligned: Cortex-M4 TRM 3.3.2. */
static inline uint32_t timing_unaligned(uint32_t address, uint32_t width) {
  return width == 4 ? (address & 1 ? 2 : address & 2 ? 1 : 0) : width == 2 ? address & 1 : 0;
}

uint32_t timing_loads(struct timing_load *load, uint32_t n, uint32_t pointer);

/* Words from `address` to `span` bytes on, from flash. */
static inline uint32_t timing_read(uint32_t address, uint32_t span, uint16_t *slot) {
  uint32_t stalls = 0, last = address + span;
  for (address &= -timing.sector_size;; address += timing.sector_size) {
    if (!cache_again(&timing.data, address) && !cache_hit(&timing.data, address, *slot)) stalls += timing_miss(address, slot);
    if (last - address < timing.sector_size) return stalls;
  }
}

/* QEMU left the block `from` in its middle and goes on with the rest of it in `b`: it was counted as a whole. */
static inline bool timing_goes_on(const struct timing_block *b, const struct timing_block *from) {
  return b->pc - from->pc - 1 < from->inside && b->pc != from->target;
}

/* Where `b` is about to begin: cycles that are counted already for what is still to be executed. */
static inline uint32_t timing_ahead(const struct timing_block *b) {
  const struct timing_block *from = timing.last;
  return b->pc != from->next && timing_goes_on(b, from) ? from->rest[(b->pc - from->pc) >> 1] : 0;
}

/* Cycles in front of the instruction at `pc`, while its block executes; only where timing_enter is used. */
uint64_t timing_at(uint32_t pc);

/* Behind `from`: works out what the block takes (`here`, `front`). False: it is a part of `from`, counted already. */
bool timing_arrive(struct timing_block *b, const struct timing_block *from, const uint32_t *registers);

/* `b` begins, the rest of `from`: loads that could not be seen when `from` began and now can: nobody else tells. */
void timing_unseen_loads(const struct timing_block *b, const struct timing_block *from, const uint32_t *registers);

/* What loads of the block make the core wait; with `p`: those by this pointer and the ones behind it. */
void timing_data(const struct timing_block *b, const uint32_t *registers);
void timing_data_from(const struct timing_block *b, const uint32_t *registers, const struct timing_pointer *p);
/* The same where most are in the cache. */
void timing_data_found(const struct timing_block *b, const uint32_t *registers, const struct timing_pointer *p);

static inline uint32_t timing_pointer_at(const struct timing_pointer *p, const uint32_t *registers) {
  return registers[p->base] + (uint32_t)((uint64_t)registers[p->index] << p->shift);
}
static inline bool timing_costs_nothing(const struct timing_pointer *p, uint32_t address) {
  return !((address & p->aligned) || address - timing.near_at < timing.near_size);
}
/* Whether the only load by an aligned pointer, or all as they lie together, read the sector of flash that was read last. */
static inline bool timing_again(const struct timing_pointer *p, uint32_t address) {
  return !(address & p->aligned) && address + (uint32_t)p->offset - timing.data.newest < p->inside;
}

/* For blocks whose static cycles are added inline: code without flash. `now`: instructions in front of the block. */
static inline void timing_edge(struct timing_block *b, uint64_t now) {
  if (b->arrival == ARRIVES_EITHER) {
    const struct timing_block *from = timing.last;
    if (from->next != b->pc || timing.told != now)
      timing.page->cycles += b->jump;
    else
      timing.page->cycles += (uint64_t)(int64_t)from->joint;
  }
  if (b->tells) {
    timing.last = b;
    timing.told = now + b->instructions;
  }
}

/* The same with flash: every block comes here, so the last one is always known. What is rare is called last, so that
 * nothing has to be saved for it. */
void timing_fetch(struct timing_block *b);
void timing_fetch_and_data(struct timing_block *b, const uint32_t *registers);

static inline void timing_fetches(struct timing_block *b) {
  if (__builtin_expect(b->epoch != timing.epoch, 0))
    timing_fetch(b);
  else
    timing.last = b;
}

static inline void timing_flash(struct timing_block *b, const uint32_t *registers) {
  const struct timing_block *from = timing.last;
  if (b->arrival == ARRIVES_EITHER) {
    if (from->next != b->pc)
      timing.page->cycles += b->jump;
    else
      timing.page->cycles += (uint64_t)(int64_t)from->joint;
  }
  if (b->epoch != timing.epoch) {
    timing_fetch_and_data(b, registers);
    return;
  }
  timing.last = b;
  if (b->look) {
    timing_data(b, registers);
    return;
  }
  for (const struct timing_pointer *p = b->pointer, *end = p + b->pointers; p < end; p++) {
    uint32_t address = timing_pointer_at(p, registers);
    if (timing_costs_nothing(p, address) || timing_again(p, address)) continue;
    timing_data_found(b, registers, p);
    return;
  }
}

/* Where nothing is added inline: a block may be left in its middle. */
static inline __attribute__((always_inline)) void timing_enter(struct timing_block *b, const uint32_t *registers) {
  const struct timing_block *from = timing.last;
  if (__builtin_expect(b->from != from, 0) && !timing_arrive(b, from, registers)) return;
  timing.last = b;
  timing.at_block = timing.page->cycles;
  timing.page->cycles = timing.at_block + b->here;
  if (b->epoch != timing.epoch) timing.page->cycles += timing_walk(b, b->front);
  if (b->literals || b->pointers) timing_data(b, registers);
}

/* Static cycles from `offset` bytes into the block to its end: for symbols in mid-block. */
static inline uint32_t timing_rest(const struct timing_block *b, uint32_t offset) { return b->rest[offset >> 1]; }
#pragma GCC visibility pop
#endif
