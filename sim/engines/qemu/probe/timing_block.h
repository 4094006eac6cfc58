/* Of timing_block.c and timing_loads.c only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "timing.h"

#pragma GCC visibility push(hidden)
void timing_find_loads(struct timing_block *b, const struct op *ops, size_t n, bool known, bool *watch);
#pragma GCC visibility pop
