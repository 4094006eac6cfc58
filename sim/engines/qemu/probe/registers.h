/* The core's registers at the start of a block.
 *
 * Version 1 of the interface has no function for that, and those of later ones take too long for a look at every block.
 * But translated code keeps the address of the core's state in one fixed host register, and that state begins with r0
 * to r15. At the start of a block nothing of it is held elsewhere. Whether this is so is seen at the first block, where
 * pc is known; if it is not, the functions or the addresses of calls stand in, and the stack pointer is not watched.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define KNOWS_STATE 1
#endif

#pragma GCC visibility push(hidden)
extern const uint32_t *core; /* r0 to r15; `no_core` where they are not known */
extern const uint32_t no_core[16];
extern uint32_t stack_low, stack_size; /* where the stack pointer stays; everywhere until the core's state is known */

/* From version 2 on, once the core is there: QEMU's handles of its registers. */
void find_registers(void);
#ifdef KNOWS_STATE
/* The callback for the first block of all; `data` points to its address. */
void block_env(unsigned vcpu, void *data);
#endif
/* False: they are not known, and 0. */
bool core_registers(uint32_t *sp, uint32_t *lr);
/* At the first instruction of a handler that interrupts code on the process stack: where its frame is. False: that is not
 * in RAM, or the core's state is not known. */
bool process_frame(uint32_t *frame);
/* Whether the core is on the process stack, in a block at `pc`; `main_sp`: what the main stack pointer is then. A handler
 * on the main stack that starts the first task is told of at its beginning: nothing is known of that stack before. */
void await_process_stack(uint32_t main_sp);
bool on_process_stack(uint32_t main_sp, uint32_t pc);
/* Where the process stack pointer may be, to the control file. */
void find_process_stack(void);
#pragma GCC visibility pop
