/* What each instruction costs on a core when nothing waits for memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_CORE_H
#define BOARDLESS_CORE_H
#include <stddef.h>

#include "timing.h"

#pragma GCC visibility push(hidden)
/* cost[i]: cycles of ops[i], entered by a jump, without the refill of a branch that is taken. */
void core_costs(const struct timing_page *page, const struct op *ops, size_t n, uint8_t *cost);
#pragma GCC visibility pop
#endif
