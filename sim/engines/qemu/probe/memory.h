/* Callbacks on loads and stores: what they cost, bytes to the console, stores that leave the stack, watched memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "access.h"
#include "block.h"
#include "decode.h"
#include "qemu.h"

#pragma GCC visibility push(hidden)
/* A load whose address cannot be seen when its block begins. */
void watch_load(struct qemu_plugin_insn *insn, const struct op *op);
/* The instruction at `at` of a block: its stores to the stack, to the console, its accesses to watched memory.
 * `ahead`: what the count is ahead of it when it accesses memory. */
void watch_memory(struct qemu_plugin_insn *insn, const struct block *b, uint64_t at, uint32_t ahead);
#pragma GCC visibility pop
