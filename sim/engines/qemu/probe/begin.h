/* What is called when a block begins.
 *
 * What a block adds to the counts is added by translated code, so that at most blocks nobody has to be called; where
 * somebody is each time, the callback adds it, last of all, which costs less. Callbacks look only at what can be there.
 * With -icount none of this is so: instructions are added in stretches, and cycles are ENTERS, as blocks are left in
 * their middle and a jump there is none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "block.h"
#include "decode.h"
#include "qemu.h"

#pragma GCC visibility push(hidden)
/* A block of `n` instructions, which adds b->instructions as a whole. `access`: how callbacks look at registers. */
void begin_translate(struct qemu_plugin_tb *tb, struct block *b, const struct op *ops, size_t n, int access);
/* A symbol that code runs into, in mid-block; `data` is a struct block of what follows. */
void on_inner_entry(unsigned vcpu, void *data);
#pragma GCC visibility pop
