/* Looks at every store: how deep the stack gets, and the first one that leaves it for other data.
 *
 * Slow (a callback a store), so only on request. For images with one stack: once code that sets the process stack
 * pointer is seen, there are tasks with stacks of their own, and nothing is judged.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_STACK_H
#define BOARDLESS_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STACK_AT = 1152 }; /* of the control file */

struct stack_area { /* offsets from STACK_AT, as in sim/engines/qemu/stack.py */
  uint32_t on;
  uint32_t floor, low, top; /*  4: RAM below the stack; the stack is low..top */
  uint32_t lowest;          /* 16: of all stores to the stack */
  uint32_t address, pc;     /* 20: the store that left it; 0: none did */
  uint32_t tasks;           /* 28: not judged */
  uint32_t thread_lowest;   /* 32: of the stores of thread mode */
  uint32_t handler_most;    /* 36: bytes that handlers, nested ones too, had below where they came in */
  uint32_t handler_sp;      /* 40: stack pointer at the first instruction of the outermost handler; 0: thread mode */
  uint32_t handler_base;    /* 44: where that stack was before the exception */
};
struct stack_store {
  uint32_t pc;
  bool by_sp; /* the instruction addresses by the stack pointer */
};

#pragma GCC visibility push(hidden)
extern struct stack_area *stack_area;

void stack_install(void *control_file);
/* At translation of an instruction. Sets `tasks` for one that sets the process stack pointer. */
void stack_translate(struct stack_store *s, uint32_t pc, const uint16_t half[2], size_t size);
/* At the beginning of a block: whether a handler runs. `function`: a function begins here. */
void stack_block(uint32_t sp, uint32_t lr, bool function);
/* At a store. True: it has left the stack. */
bool stack_stored(const struct stack_store *s, uint32_t address, uint32_t sp);
#pragma GCC visibility pop
#endif
