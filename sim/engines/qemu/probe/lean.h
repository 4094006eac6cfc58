/* Blocks that add up inline.
 *
 * What a block adds to the counts is added by translated code, behind what is called here. So at most blocks nobody has
 * to be called; the others look only at what can be there. With -icount that goes for instructions; cycles are ENTERS,
 * as blocks are left in their middle. Not from version 2 on (see whole.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "block.h"
#include "qemu.h"

#pragma GCC visibility push(hidden)
/* `n`: instructions that the block adds as a whole. */
void lean_translate(struct qemu_plugin_tb *tb, struct block *b, size_t n);
#pragma GCC visibility pop
