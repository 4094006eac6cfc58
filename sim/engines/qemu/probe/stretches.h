/* Counting with -icount.
 *
 * Every QEMU leaves a block in its middle at a device access then, and goes on in another block, so that counting blocks
 * as a whole counts twice. Each stretch up to an access of memory adds its instructions instead, inline.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "decode.h"
#include "qemu.h"

#pragma GCC visibility push(hidden)
void count_stretches(struct qemu_plugin_tb *tb, const struct op *ops, size_t n);
#pragma GCC visibility pop
