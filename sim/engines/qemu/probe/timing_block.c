/* What can be known of a block's cycles when it is translated.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "timing_block.h"

#include <string.h>

#include "core.h"
#include "joint.h"
#include "pool.h"

static void find_fetches(struct timing_block *b, const struct op *ops, size_t n, const uint8_t *cost) {
  uint32_t size = timing.page->instruction.sector, at = b->pc, ahead = timing_reads_ahead();
  uint32_t first = b->pc & ~(size - 1), count = ((b->end - 1 - first) / size) + 1;
  b->fetch = take_memory(count * sizeof *b->fetch);
  b->fetches = (uint16_t)count;
  for (uint32_t i = 0; i < count; i++) b->fetch[i].address = first + i * size;
  for (size_t i = 0; i < n; at += ops[i++].size) {
    uint32_t next = (at - first) / size + 1;
    /* Code that lies in the last `ahead` bytes in front of a line hides the reading of it. */
    if (next < count && first + next * size - at <= ahead) b->fetch[next].before += cost[i];
    if (b->end - at <= ahead) b->tail += cost[i];
  }
}

/* Whether IT makes the last instruction a conditional one. */
static bool in_it(const struct op *ops, size_t n) {
  for (size_t i = n - 1, back = 1; i-- > 0 && back <= 4; back++)
    if (ops[i].kind == K_IT) return ops[i].it >= back;
  return false;
}

struct timing_block *timing_block(uint32_t pc, const struct op *ops, size_t n, bool known, bool *watch) {
  struct timing_block *b = take_memory(sizeof *b);
  const struct timing_page *page = timing.page;
  const struct op *last = &ops[n - 1];
  uint8_t cost[BLOCK_MOST];
  uint16_t *rest;
  uint32_t at, sum = 0;
  memset(b, 0, sizeof *b);
  b->pc = b->end = pc;
  for (size_t i = 0; i < n; i++) b->end += ops[i].size;
  core_costs(page, ops, n, cost);
  rest = take_memory((b->end - pc) / 2 * sizeof *rest);
  at = b->end;
  for (size_t i = n; i-- > 0;) {
    at -= ops[i].size;
    if (ops[i].size == 4) rest[((at - pc) >> 1) + 1] = (uint16_t)sum; /* who asks there means what begins behind it */
    sum += cost[i];
    rest[(at - pc) >> 1] = (uint16_t)sum;
  }
  b->rest = rest;
  b->cycles = sum;
  b->target = last->kind == K_BRANCH ? last->literal : 1;
  b->next = (last->flags & (F_TO_PC | F_CONDITION)) == F_TO_PC && !in_it(ops, n) ? 1 : b->end;
  b->inside = b->end - pc - 1;
  b->leave = (uint8_t)(!(last->flags & F_TO_PC)    ? page->exception
                       : last->kind == K_BRANCH ? page->refill
                                                : page->refill_register);
  b->wide = ops[0].size == 4 && (pc & 2) ? (uint8_t)page->refill_wide : 0;
  b->joint = (int8_t)joint_cycles(page, ops, n, b->end);
  b->runs_on = joint_after(last);
  b->jump = (uint8_t)(page->refill + b->wide);
  b->arrival = (uint8_t)codemap_arrival(pc);
  if (page->level == LEVEL_MEMORY) {
    find_fetches(b, ops, n, cost);
    timing_find_loads(b, ops, n, known, watch);
  }
  return b;
}

bool timing_can_be_lean(void) { return timing.page->refill == timing.page->refill_register; }

/* What the code behind a block that ends without a branch takes for a jump to it, or less behind it: cycles to add to the
 * block, so that both together are right. */
static int32_t seam(const struct timing_block *b, enum code_arrival behind) {
  const struct timing_page *page = timing.page;
  uint16_t half[2];
  if (behind == ARRIVES_EITHER || !codemap_instruction(b->end, half)) return 0; /* timing_edge, timing_flash see to it */
  if (behind != ARRIVES_JUMP) return b->joint;
  return b->joint - (int32_t)(page->refill + (thumb_size(half[0]) == 4 && (b->end & 2) ? page->refill_wide : 0));
}

void timing_lean(struct timing_block *b, const struct op *ops, size_t n) {
  const struct op *last = &ops[n - 1];
  enum code_arrival behind = codemap_arrival(b->end);
  b->alone = (int32_t)(b->cycles + (b->arrival == ARRIVES_JUMP ? b->jump : 0));
  b->instructions = (uint16_t)n;
  b->tells = behind == ARRIVES_EITHER && b->next == b->end;
  if (last->kind == K_EXCEPTION)
    b->alone += (int32_t)timing.page->exception - (int32_t)timing.page->refill; /* the handler comes next */
  else if (!(last->flags & F_TO_PC))
    b->alone += seam(b, behind);
}
