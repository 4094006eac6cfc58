/* See timing.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

#include <string.h>

#include "cache.h"
#include "core.h"

static struct timing_block nothing = {.pc = 1, .end = 2, .next = 2}; /* before the first block */
static struct cache instruction_cache, data_cache;
enum { NEAR = 1 << 16 }; /* bytes: offsets beyond are not put together with others */
static struct timing_page no_page;
struct timing_state timing = {.last = &nothing, .page = &no_page};

void timing_setup(struct timing_page *page) {
  timing.page = page;
  timing.level = page->level;
  timing.last = &nothing;
  if (timing.level != LEVEL_MEMORY) return;
  timing.epoch = 1;
  timing.flash_at = page->flash_at;
  timing.flash_size = page->flash_size;
  timing.near_at = page->flash_at - NEAR;
  timing.near_size = page->flash_size + 2 * NEAR;
  cache_setup(&instruction_cache, &page->instruction);
  if (page->unified)
    timing.data = &instruction_cache;
  else
    cache_setup(timing.data = &data_cache, &page->data);
  timing.sector_size = page->unified ? page->instruction.sector : page->data.sector;
}

/* ---- execution ---- */
bool timing_arrive(struct timing_block *b, const struct timing_block *from) {
  b->from = from;
  b->hidden = 0;
  b->here = b->cycles;
  if (b->pc == from->next) {
    b->here -= timing_overlaps(from, b);
    b->hidden = from->tail;
  } else if (timing_goes_on(b, from)) {
    uint32_t ahead = from->rest[(b->pc - from->pc) >> 1];
    b->from = NULL; /* to be looked at every time */
    timing.at_block = timing.page->cycles - ahead;
    if (b->end == from->end) return false;
    timing.page->cycles -= ahead;
  } else {
    b->here += from->leave + b->wide;
  }
  return true;
}

uint64_t timing_at(uint32_t pc) {
  const struct timing_block *b = timing.last;
  return timing.page->cycles - (pc - b->pc < b->end - b->pc ? b->rest[(pc - b->pc) >> 1] : 0);
}

uint32_t timing_walk(struct timing_block *b, uint32_t hidden) {
  uint32_t stalls = 0;
  bool evicted = false, missed = false;
  for (uint32_t i = 0; i < b->fetches; i++) {
    struct timing_fetch *f = &b->fetch[i];
    if (cache_use(&instruction_cache, f->address, true, &f->slot, &evicted)) continue;
    missed = true;
    timing.page->stalls.fetch_misses++;
    if (i) hidden = f->before;
    if (hidden < timing.page->fetch_wait) stalls += timing.page->fetch_wait - hidden;
  }
  if (missed || evicted) timing.epoch++;
  b->epoch = timing.epoch;
  timing.page->stalls.fetch += stalls;
  return stalls;
}

uint32_t timing_miss(uint32_t address, uint16_t *slot) {
  bool evicted = false, hit = cache_use(timing.data, address, false, slot, &evicted);
  if (hit) return 0;
  if (evicted) timing.epoch++;
  timing.page->stalls.data_misses++;
  timing.page->stalls.data += timing.page->data_wait;
  return timing.page->data_wait;
}

uint32_t timing_loads(struct timing_load *load, uint32_t n, uint32_t pointer) {
  uint32_t cycles = 0;
  for (struct timing_load *l = load; l < load + n; l++) {
    uint32_t address = pointer + (uint32_t)l->offset;
    if (address & (l->width - 1u)) cycles += l->count * timing_unaligned(address, l->width);
    if (timing_in_flash(address)) cycles += timing_read(address, l->span, &l->slot);
  }
  return cycles;
}

uint32_t timing_literals(const struct timing_block *b) {
  static uint16_t slot;
  uint32_t stalls = 0;
  for (uint32_t i = 0; i < b->literals; i++) stalls += timing_read(b->literal[i], 0, &slot);
  return stalls;
}

void timing_access(uint32_t address, uint32_t width, uint32_t words, uint16_t *slot) {
  uint32_t cycles = timing_unaligned(address, width);
  if (timing_in_flash(address)) cycles += timing_read(address, 4 * (words - 1), slot);
  timing.page->cycles += cycles;
}

/* ---- translation ---- */
struct follower { /* what registers are, in terms of those at the start of the block */
  uint8_t base[16];
  int32_t offset[16];
};
enum { UNKNOWN = 16, MOST = 512 }; /* instructions of a block */

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

struct found {
  struct timing_load load;
  uint8_t base, index, shift;
};

static bool can_see(const struct follower *f, const struct op *op, struct found *to) {
  struct timing_load *l = &to->load;
  if (f->base[op->rn] == UNKNOWN) return false;
  if ((op->flags & F_REGISTER) && f->base[op->rm] == UNKNOWN) return false;
  to->base = f->base[op->rn];
  l->offset = f->offset[op->rn] + op->imm;
  to->index = UNKNOWN;
  to->shift = 0;
  if (op->flags & F_REGISTER) {
    to->index = f->base[op->rm];
    to->shift = op->shift;
    l->offset += (int32_t)((uint32_t)f->offset[op->rm] << op->shift);
  }
  l->width = op->width;
  l->span = (uint16_t)(op->n > 1 ? 4 * (op->n - 1) : 0);
  l->slot = 0;
  l->count = 1;
  return l->offset > -NEAR && l->offset < NEAR - 256;
}

static bool same_pointer(const struct found *a, const struct found *b) {
  return a->base == b->base && a->index == b->index && a->shift == b->shift;
}

/* Adds a load to one that it lies next to, so that both are looked at at once. */
static bool joins(struct found *to_found, const struct found *found) {
  struct timing_load *to = &to_found->load;
  const struct timing_load *l = &found->load;
  int32_t end = to->offset + to->span, last = l->offset + l->span, low;
  if (!same_pointer(to_found, found) || to->width != l->width || to->count == 255) return false;
  if ((to->offset - l->offset) % to->width) return false;
  if (l->offset > end + 8 || last < to->offset - 8) return false;
  low = l->offset < to->offset ? l->offset : to->offset;
  to->span = (uint16_t)((last > end ? last : end) - low);
  to->offset = low;
  to->count++;
  return true;
}

/* Whether load `n` joins one of those in front of it. */
static bool join_any(struct found *found, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (joins(&found[i], &found[n])) return true;
  return false;
}

/* The loads by pointer. */
static void put_loads(struct timing_block *b, struct found *found, size_t n, void *(*take)(size_t)) {
  bool done[MOST] = {false};
  uint16_t at = 0;
  b->pointer = take(n * sizeof *b->pointer);
  b->load = take(n * sizeof *b->load);
  for (size_t i = 0; i < n; i++) {
    struct timing_pointer *p = &b->pointer[b->pointers];
    if (done[i]) continue;
    *p = (struct timing_pointer){found[i].base, found[i].index, found[i].shift, 0, false, at, 0};
    for (size_t j = i; j < n; j++) {
      const struct timing_load *l = &found[j].load;
      if (done[j] || !same_pointer(&found[i], &found[j])) continue;
      done[j] = true;
      b->load[at++] = *l;
      p->loads++;
      p->aligned |= (uint8_t)(l->width - 1);
      if (l->offset & (l->width - 1)) p->look = true;
    }
    b->pointers++;
  }
}

static bool reads_memory(const struct op *op) {
  return op->kind == K_LOAD || op->kind == K_LOAD_MANY || op->kind == K_LOAD_TWO || op->kind == K_TABLE;
}

static void find_loads(struct timing_block *b, const struct op *ops, size_t n, bool known, bool *watch,
                       void *(*take)(size_t)) {
  struct found found[MOST];
  uint32_t literal[MOST];
  size_t loads = 0;
  struct follower f;
  unsigned conditional = 0;
  for (uint8_t r = 0; r < 16; r++) f.base[r] = r, f.offset[r] = 0;
  for (size_t i = 0; i < n; i++) {
    const struct op *op = &ops[i];
    if (reads_memory(op)) {
      if (op->flags & F_LITERAL) {
        if (op->kind != K_TABLE) literal[b->literals++] = op->literal;
      } else if (op->rn == 13 && op->kind != K_TABLE) {
        /* the stack: RAM, aligned */
      } else if (known && !conditional && op->kind != K_TABLE && can_see(&f, op, &found[loads])) {
        if (!join_any(found, loads)) loads++;
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
  put_loads(b, found, loads, take);
  b->literal = take(b->literals * sizeof *b->literal);
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

/* Whether IT makes the last instruction a conditional one. */
static bool in_it(const struct op *ops, size_t n) {
  for (size_t i = n - 1, back = 1; i-- > 0 && back <= 4; back++)
    if (ops[i].kind == K_IT) return ops[i].it >= back;
  return false;
}

struct timing_block *timing_block(uint32_t pc, const struct op *ops, size_t n, bool known, bool *watch,
                                  void *(*take)(size_t)) {
  struct timing_block *b = take(sizeof *b);
  const struct timing_page *page = timing.page;
  const struct op *last = &ops[n - 1];
  uint8_t cost[MOST];
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
  b->next = (last->flags & (F_TO_PC | F_CONDITION)) == F_TO_PC && !in_it(ops, n) ? 1 : b->end;
  b->inside = b->end - pc - 1;
  b->leave = (uint8_t)(!(last->flags & F_TO_PC)    ? page->exception
                       : last->kind == K_BRANCH ? page->refill
                                                : page->refill_register);
  b->wide = ops[0].size == 4 && (pc & 2) ? (uint8_t)page->refill_wide : 0;
  b->pairs = core_pairs(page, &ops[0]);
  b->address = ops[0].address;
  if (core_load_pairs(page, last))
    b->loaded = (uint16_t)(0x8000 | (last->flags & F_WRITE_BACK ? last->writes & ~(1u << last->rn) : last->writes));
  b->jump = (uint8_t)(page->refill + b->wide);
  b->arrival = (uint8_t)codemap_arrival(pc);
  if (page->level == LEVEL_MEMORY) {
    find_fetches(b, ops, n, cost, take);
    find_loads(b, ops, n, known, watch, take);
  }
  return b;
}

bool timing_can_be_lean(void) { return timing.page->refill == timing.page->refill_register; }

/* What the code behind a block that ends without a branch takes for a jump to it, or what overlaps: cycles to add to the
 * block, so that both together are right. */
static int32_t seam(const struct timing_block *b, enum code_arrival behind) {
  const struct timing_page *page = timing.page;
  struct timing_block next = {.pc = b->end};
  struct op op;
  uint16_t half[2];
  int32_t cycles = 0;
  if (behind == ARRIVES_EITHER || !codemap_instruction(b->end, half)) return 0; /* timing_edge, timing_flash see to it */
  decode(b->end, half, thumb_size(half[0]), &op);
  next.pairs = core_pairs(page, &op);
  next.address = op.address;
  if (behind == ARRIVES_JUMP) cycles -= (int32_t)(page->refill + (op.size == 4 && (b->end & 2) ? page->refill_wide : 0));
  return cycles - timing_overlaps(b, &next);
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
