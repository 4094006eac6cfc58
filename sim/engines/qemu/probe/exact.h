/* Counting where QEMU leaves blocks in their middle.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "qemu.h"

#pragma GCC visibility push(hidden)
void exact_install(void);
/* With -icount QEMU leaves a block in its middle at a device access and goes on in another block, so that counting
 * blocks as a whole counts twice. There each stretch up to an access of memory adds its instructions, inline. */
void count_stretches(struct qemu_plugin_tb *tb, size_t n);
/* Instructions to the end of a block from each halfword. */
const uint16_t *rest_of(struct qemu_plugin_tb *tb, size_t n, uint64_t pc, uint64_t end);

extern void *exact_score;       /* from version 2 inline counters live in a scoreboard of QEMU's */
extern uint64_t *exact_counter; /* its one entry, once the core runs */
extern const struct block *previous;
#pragma GCC visibility pop

static inline void take_exact_count(void) {
  if (UNLIKELY(exact_score != NULL)) {
    if (exact_counter == NULL)
      exact_counter = ((uint64_t * (*)(void *, unsigned)) qemu_symbol("qemu_plugin_scoreboard_find"))(exact_score, 0);
    ctl->count = *exact_counter;
  }
}

/* Newer QEMU (seen in 10.0, not in 7.2) leaves a block at a device access, also without -icount, does the access in a
 * block that plugins are not told of, and goes on in a block that starts in the middle of the first. That one was
 * counted as a whole: take back what it did not do. The limit is not looked at there, so that stops are where older
 * QEMU has them. */

static inline bool goes_on(const struct block *b) {
  const struct block *before = previous;
  previous = b;
  if (__builtin_expect(b->pc - before->pc - 1 >= before->inside, 1)) return false;
  ctl->count -= before->rest[(b->pc - before->pc) >> 1];
  return true;
}
