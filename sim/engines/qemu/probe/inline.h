/* Additions and stores that translated code does by itself, without a call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "qemu.h"

#pragma GCC visibility push(hidden)
/* `to` lives as long as the process. Callbacks of the block come first: in version 1 always, later as registered. */
void block_adds(struct qemu_plugin_tb *tb, uint64_t *to, uint64_t amount);
void instruction_adds(struct qemu_plugin_insn *insn, uint64_t *to, uint64_t amount);

/* From QEMU 9.1 on; false: this one has them not, nothing is registered. */
bool block_stores(struct qemu_plugin_tb *tb, uint64_t *to, uint64_t value);
enum condition { EQUAL = 2, NOT_EQUAL = 3 };
bool block_calls_if(struct qemu_plugin_tb *tb, enum condition condition, uint64_t *of, uint64_t value,
                    void (*call)(unsigned, void *), int access, void *data);
#pragma GCC visibility pop
