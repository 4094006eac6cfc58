/* Blocks of QEMU from 9.0 on: it leaves them in their middle, so each is looked at and counted when it begins.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "block.h"
#include "qemu.h"

#pragma GCC visibility push(hidden)
/* Registers what is called when a block begins. `access`: how it looks at registers. */
void whole_translate(struct qemu_plugin_tb *tb, struct block *b, int access);
/* A symbol that code runs into, in mid-block; `data` is a struct block of what follows. Also of lean.c's. */
void on_inner_entry(unsigned vcpu, void *data);
/* Of a block that cannot be counted as a whole. */
void on_instruction(unsigned vcpu, void *data);
#pragma GCC visibility pop
