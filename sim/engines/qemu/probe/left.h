/* Blocks that are left in their middle.
 *
 * QEMU from 9.0 on (seen in 10.0) leaves a block at a device access that is not its last instruction, does the access in
 * a block of that one instruction, of which plugins are told nothing but the access, and goes on in a block that begins
 * behind it. The first block was counted as a whole: what it did not do is taken back at the access, so that counts are
 * right whoever looks. The one that goes on adds it again, and nothing is looked at when it begins: stops are where older
 * QEMU has them.
 *
 * Not with -icount, where also older QEMU does that: see stretches.h, and timing_arrive.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "block.h"
#include "decode.h"
#include "qemu.h"

#pragma GCC visibility push(hidden)
void left_install(void);

/* A block of `n` instructions, and what is called when it begins (NULL: nothing). Whether that is so each time. */
bool left_translate(struct qemu_plugin_tb *tb, struct block *b, const struct op *ops, size_t n,
                    void (*call)(unsigned, void *), int access);

/* While the access is made: cycles of the instruction at `pc`, where its block was left. */
bool left_here(uint32_t pc, uint32_t *cycles);
#pragma GCC visibility pop
