/* The file that the runner shares with the probe: counters, limits, symbols, rings (sim/engines/qemu/control.py has the
 * same offsets).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timing.h"

enum { STOP = 1, MARK = 2, REGION = 4 };                           /* symbol.arm */
/* control.event; the last two: a region is a handler, and that needs a look at every block; or cannot be seen at all */
enum { EVENT_START = 1, EVENT_SYMBOL, EVENT_LIMIT, EVENT_FULL, EVENT_STACK, EVENT_HANDLER, EVENT_UNSEEN };
enum { FRAMES = 32 };
enum { FLAG_EXACT = 1 };                                           /* control.flags */

struct sym {
  uint32_t address;
  uint32_t arm;
};
struct region {
  uint32_t symbol, depth;
  uint64_t start, end, start_cycles, end_cycles;
  struct stalls stalls;
};
struct control {
  uint64_t count;         /*  0: instructions executed */
  uint64_t limit;         /*  8: stop at the first block at or after this, in what `image_clock` counts */
  uint64_t pc;            /* 16: of the stop */
  uint32_t event, symbol; /* 24: kind of the stop, index of the symbol */
  uint32_t flags;         /* 32 */
  uint32_t idle;          /* 36: the core sleeps (WFI) */
  uint32_t api;           /* 40: plugin interface in use */
  uint32_t symbols;       /* 44: number of symbols, sorted by address */
  uint32_t symbols_at, marks_at, regions_at; /* 48, 52, 56: offsets in this file */
  uint32_t marks, marks_max;                 /* 60, 64: console bytes: the clock at each */
  uint32_t regions, regions_max;             /* 68, 72 */
  uint32_t console;                          /* 76: address of a UART's data register; 0: none */
  uint32_t stack_low, stack_size;            /* 80, 84: the stack pointer stays in low..low + size; size 0: anywhere */
  uint32_t frames, frame[FRAMES];            /* 88, 92: where the process stack pointer may be, after request 'p' */
};

#pragma GCC visibility push(hidden)
extern struct control *ctl;
/* What limits and marks are in: cycles where the image has a timing model, else instructions. */
extern const uint64_t *image_clock;
extern struct sym *syms;
extern struct region *regions;

/* False: the file is too small for it. */
bool control_install(void *file, size_t size);
/* Notes the time of a console byte; the core stops soon where there is little room for more. */
void mark(uint64_t now);

enum { NONE = 0xffffffffu };                   /* no symbol */
uint32_t symbol_at(uint64_t address);          /* index of the symbol there, or NONE */
uint32_t function_of(uint64_t address);        /* index of the last symbol up to there, NONE where there is none */
uint32_t symbol_address(uint32_t symbol);      /* ~0 behind the last one */
bool is_operator(uint32_t symbol);             /* each of its calls is a place of its own in the tree */
#pragma GCC visibility pop
