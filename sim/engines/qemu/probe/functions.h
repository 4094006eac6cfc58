/* Which function, called from where, executed how much; and which code was executed at all.
 *
 * The core's own callback counts; this looks at the same blocks and only adds the difference of the count to the
 * place in the tree of calls where the core was. Off, it costs nothing: the translation takes other callbacks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_FUNCTIONS_H
#define BOARDLESS_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { FUNCTIONS_AT = 1024 }; /* of the control file */
enum { WATCH_CALLS = 1, WATCH_CODE = 2 };

struct functions_area { /* offsets from FUNCTIONS_AT, as in sim/engines/qemu/functions.py */
  uint32_t on;                          /*  0: WATCH_... */
  uint32_t root;                        /*  4: symbol from whose entry to return calls are watched */
  uint32_t nodes_at, nodes_max, nodes;  /*  8, 12, 16: tree of calls; node 0 is the root */
  uint32_t blocks_at, blocks_max, blocks; /* 20, 24, 28: code that was executed */
  uint32_t lost;                        /* 32: calls that found no room in the tree */
  uint32_t inside;                      /* 36: the root runs */
  uint32_t runs;                        /* 40: of the root, completed */
};
struct call_node {
  uint32_t function, parent; /* index of the symbol, index of the caller's node */
  uint32_t child, sibling;   /* 0: none */
  uint32_t ordinal;          /* of an operator within the run, from 1; 0: no operator */
  uint32_t calls;
  uint64_t instructions, cycles; /* in the function itself */
};
struct code_block {
  uint32_t pc, bytes;
  uint64_t times;
};

#pragma GCC visibility push(hidden) /* so that nothing is looked up at every block */
void functions_install(void *control_file);
/* At translation: the record of code that begins here, NULL when there is no room for more. */
struct code_block *functions_code(uint32_t pc, uint32_t end);
/* At the start of a block of `function` (or, with `entry`, of its first block), with the counts there. */
void functions_step(uint32_t pc, uint32_t function, bool entry, uint32_t link, uint64_t instructions, uint64_t cycles);

extern struct functions_area *functions;
extern struct functions_here { /* the innermost call, for the look at every block */
  uint32_t function, back;     /* its function; where it returns to */
  uint32_t pending;            /* the last block ended in a call that returns there; 0: it did not */
} functions_here;
#pragma GCC visibility pop

/* Whether the core is still in the function where it was. */
static inline bool functions_stay(uint32_t pc, uint32_t function) {
  return ((functions_here.function ^ function) | functions_here.pending) == 0 && pc != functions_here.back;
}
#endif
