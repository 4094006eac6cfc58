/* Where QEMU cuts straight code in two: at the end of a page, where a block has grown too long, and with -icount
 * elsewhere. What both blocks take together must not depend on it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_JOINT_H
#define BOARDLESS_JOINT_H
#include <stdbool.h>
#include <stddef.h>

#include "timing.h"

#pragma GCC visibility push(hidden)
/* Whether a block that ends with it runs on into the code behind it. */
bool joint_after(const struct op *last);
/* What the code at `end` takes more (or less) behind the block of ops[n] than on its own, in cycles of the core. */
int joint_cycles(const struct timing_page *page, const struct op *ops, size_t n, uint32_t end);
/* Cycles of `from` that hide the read of a line of `b` behind the one that `b` begins in. */
uint32_t joint_hides(const struct timing_block *from, const struct timing_block *b, uint32_t line);
#pragma GCC visibility pop
#endif
