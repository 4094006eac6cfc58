/* See timing.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

#include <string.h>

#include "cache.h"
#include "core.h"

static struct timing_block nothing = {.pc = 1, .end = 2, .target = 1, .leaves = 1}; /* before the first block */
static struct cache instruction_cache, data_cache, *data = &data_cache;
struct timing_state timing = {.last = &nothing};

void timing_setup(struct timing_page *page) {
  timing.page = page;
  timing.level = page->level;
  timing.last = &nothing;
  timing.epoch = 1;
  timing.last_sector = 1; /* no sector begins there */
  if (timing.level != LEVEL_MEMORY) return;
  timing.flash_at = page->flash_at;
  timing.flash_size = page->flash_size;
  cache_setup(&instruction_cache, &page->instruction);
  if (page->unified)
    data = &instruction_cache;
  else
    cache_setup(&data_cache, &page->data);
  timing.sector_mask = ~((page->unified ? page->instruction.sector : page->data.sector) - 1);
}

/* ---- execution ---- */
uint32_t timing_jump(const struct timing_block *from, const struct timing_block *to) {
  uint32_t inside = to->pc - from->pc;
  if (inside - 1 < from->end - from->pc - 1 && to->pc != from->target) {
    /* QEMU left that block in its middle and goes on with the rest of it here: it was counted as a whole. */
    timing.page->cycles -= timing_rest(from, inside);
    return 0;
  }
  if (!from->leaves) return timing.page->exception;
  return from->refill + to->wide;
}

uint32_t timing_walk(struct timing_block *b, uint32_t hidden) {
  uint32_t stalls = 0;
  bool evicted = false, missed = false;
  for (uint32_t i = 0; i < b->fetches; i++) {
    struct timing_fetch *f = &b->fetch[i];
    if (cache_use(&instruction_cache, f->address, true, &f->slot, &evicted)) continue;
    missed = true;
    timing.page->fetch_misses++;
    if (i) hidden = f->before;
    if (hidden < timing.page->fetch_wait) stalls += timing.page->fetch_wait - hidden;
  }
  if (missed || evicted) timing.epoch++;
  b->epoch = timing.epoch;
  timing.page->fetch_stalls += stalls;
  return stalls;
}

static uint32_t read_sector(uint32_t address) {
  static uint16_t hint;
  bool evicted = false, hit = cache_use(data, address, false, &hint, &evicted);
  timing.last_sector = address & timing.sector_mask;
  if (hit) return 0;
  if (evicted) timing.epoch++;
  timing.page->data_misses++;
  timing.page->data_stalls += timing.page->data_wait;
  return timing.page->data_wait;
}

uint32_t timing_read(uint32_t address, uint32_t words) {
  uint32_t stalls = 0, sector = address & timing.sector_mask, last = (address + 4 * (words - 1)) & timing.sector_mask;
  if (sector == timing.last_sector && last == sector) return 0;
  for (;; sector += ~timing.sector_mask + 1) {
    if (sector != timing.last_sector) stalls += read_sector(sector);
    if (sector == last) return stalls;
  }
}

uint32_t timing_literals(const struct timing_block *b) {
  uint32_t stalls = 0;
  for (uint32_t i = 0; i < b->literals; i++) stalls += timing_read(b->literal[i], 1);
  return stalls;
}

void timing_access(uint32_t address, uint32_t width, uint32_t words) {
  uint32_t cycles = timing_unaligned(address, width);
  if (timing_in_flash(address)) cycles += timing_read(address, words);
  timing.page->cycles += cycles;
}

/* ---- translation ---- */
struct follower { /* what registers are, in terms of those at the start of the block */
  uint8_t base[16];
  int32_t offset[16];
};
enum { UNKNOWN = 16 };

static void follow(struct follower *f, const struct op *op, bool conditional) {
  uint8_t base = UNKNOWN;
  int32_t offset = 0;
  if (op->flags & F_MOVES) {
    base = f->base[op->rn];
    offset = f->offset[op->rn] + op->imm;
  } else if (op->flags & F_WRITE_BACK) {
    base = f->base[op->rn];
    offset = f->offset[op->rn] + op->update;
  }
  for (unsigned r = 0; r < 16; r++)
    if (op->writes >> r & 1) f->base[r] = UNKNOWN;
  if (conditional || base == UNKNOWN) return;
  if (op->flags & F_MOVES) {
    f->base[op->rd] = base;
    f->offset[op->rd] = offset;
  } else {
    f->base[op->rn] = base;
    f->offset[op->rn] = offset;
  }
}

static bool can_see(const struct follower *f, const struct op *op, struct timing_load *l) {
  if (f->base[op->rn] == UNKNOWN) return false;
  if ((op->flags & F_REGISTER) && f->base[op->rm] == UNKNOWN) return false;
  l->base = f->base[op->rn];
  l->offset = f->offset[op->rn] + op->imm;
  l->index = UNKNOWN;
  if (op->flags & F_REGISTER) {
    l->index = f->base[op->rm];
    l->shift = op->shift;
    l->offset += (int32_t)((uint32_t)f->offset[op->rm] << op->shift);
  }
  l->width = op->width;
  l->words = op->n ? op->n : 1;
  return true;
}

static bool reads_memory(const struct op *op) {
  return op->kind == K_LOAD || op->kind == K_LOAD_MANY || op->kind == K_LOAD_TWO || op->kind == K_TABLE;
}

static void find_loads(struct timing_block *b, const struct op *ops, size_t n, bool known, bool *watch,
                       void *(*take)(size_t)) {
  struct timing_load found[512];
  uint32_t literal[512];
  struct follower f;
  unsigned conditional = 0;
  for (uint8_t r = 0; r < 16; r++) f.base[r] = r, f.offset[r] = 0;
  for (size_t i = 0; i < n; i++) {
    const struct op *op = &ops[i];
    if (reads_memory(op)) {
      if (op->flags & F_LITERAL) {
        if (timing.level == LEVEL_MEMORY && op->kind != K_TABLE) literal[b->literals++] = op->literal;
      } else if (op->rn == 13 && op->kind != K_TABLE) {
        /* the stack: RAM, aligned */
      } else if (known && !conditional && op->kind != K_TABLE && can_see(&f, op, &found[b->loads])) {
        b->loads++;
      } else {
        watch[i] = true;
      }
    }
    follow(&f, op, conditional > 0);
    if (op->kind == K_IT)
      conditional = op->it;
    else if (conditional)
      conditional--;
  }
  b->load = take(b->loads * sizeof *b->load);
  b->literal = take(b->literals * sizeof *b->literal);
  memcpy(b->load, found, b->loads * sizeof *b->load);
  memcpy(b->literal, literal, b->literals * sizeof *b->literal);
}

static void find_fetches(struct timing_block *b, const struct op *ops, size_t n, const uint8_t *cost,
                         void *(*take)(size_t)) {
  uint32_t size = timing.page->instruction.sector, at = b->pc, ahead = timing.page->prefetch ? size : 8;
  uint32_t first = b->pc & ~(size - 1), count = ((b->end - 1 - first) / size) + 1;
  if (ahead > size) ahead = size;
  b->fetch = take(count * sizeof *b->fetch);
  b->fetches = (uint16_t)count;
  for (uint32_t i = 0; i < count; i++) b->fetch[i].address = first + i * size;
  for (size_t i = 0; i < n; at += ops[i++].size) {
    uint32_t next = (at - first) / size + 1;
    /* Code that lies in the last `ahead` bytes in front of a line hides the reading of it. */
    if (next < count && first + next * size - at <= ahead) b->fetch[next].before += cost[i];
    if (b->end - at <= ahead) b->tail += cost[i];
  }
}

struct timing_block *timing_block(uint32_t pc, const struct op *ops, size_t n, bool known, bool *watch,
                                  void *(*take)(size_t)) {
  struct timing_block *b = take(sizeof *b);
  const struct timing_page *page = timing.page;
  const struct op *last = &ops[n - 1];
  uint8_t cost[512];
  uint16_t *rest;
  uint32_t at, sum = 0;
  memset(b, 0, sizeof *b);
  b->pc = b->end = pc;
  for (size_t i = 0; i < n; i++) b->end += ops[i].size;
  core_costs(page, ops, n, cost);
  rest = take((b->end - pc) / 2 * sizeof *rest);
  at = b->end;
  for (size_t i = n; i-- > 0;) {
    at -= ops[i].size;
    sum += cost[i];
    rest[(at - pc) >> 1] = (uint16_t)sum;
  }
  b->rest = rest;
  b->cycles = sum;
  b->target = last->kind == K_BRANCH ? last->literal : 1;
  b->leaves = (last->flags & F_TO_PC) != 0 || last->kind == K_SYSTEM;
  b->refill = (uint8_t)(last->kind == K_BRANCH ? page->refill : page->refill_register);
  b->wide = ops[0].size == 4 && (pc & 2) ? (uint8_t)page->refill_wide : 0;
  b->pairs = core_pairs(page, &ops[0]);
  b->address = ops[0].address;
  if (core_load_pairs(page, last))
    b->loaded = (uint16_t)(0x8000 | (last->flags & F_WRITE_BACK ? last->writes & ~(1u << last->rn) : last->writes));
  if (page->level == LEVEL_MEMORY) find_fetches(b, ops, n, cost, take);
  find_loads(b, ops, n, known, watch, take);
  return b;
}
