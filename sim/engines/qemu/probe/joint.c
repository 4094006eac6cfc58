/* See joint.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "joint.h"

#include <string.h>

#include "core.h"
#include "ram.h"

enum { NEAR = 8 }; /* instructions on either side that can matter: M4 one, M33 two; M7 as far as results take */

bool joint_after(const struct op *last) { return !(last->flags & F_TO_PC) && last->kind != K_EXCEPTION; }

static bool instruction(uint32_t pc, uint16_t half[2]) {
  return codemap_instruction(pc, half) || ram_read(pc, half, 2 * sizeof *half);
}

static int sum(const struct timing_page *page, const struct op *ops, size_t n) {
  uint8_t cost[2 * NEAR];
  int cycles = 0;
  core_costs(page, ops, n, cost);
  for (size_t i = 0; i < n; i++) cycles += cost[i];
  return cycles;
}

int joint_cycles(const struct timing_page *page, const struct op *ops, size_t n, uint32_t end) {
  struct op all[2 * NEAR];
  size_t front = n < NEAR ? n : NEAR, count = front;
  uint16_t half[2];
  if (!joint_after(&ops[n - 1])) return 0;
  memcpy(all, ops + n - front, front * sizeof *all);
  while (count < front + NEAR && instruction(end, half)) {
    decode(end, half, thumb_size(half[0]), &all[count]);
    end += all[count].size;
    if (!joint_after(&all[count++])) break;
  }
  return sum(page, all, count) - sum(page, all, front) - sum(page, all + front, count - front);
}

uint32_t joint_hides(const struct timing_block *from, const struct timing_block *b, uint32_t line) {
  uint32_t far = timing_reads_ahead() - (line - b->pc), bytes = from->end - from->pc;
  if (!from->runs_on || line - b->pc >= timing_reads_ahead()) return 0;
  return from->rest[far < bytes ? (bytes - far) >> 1 : 0];
}
