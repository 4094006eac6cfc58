/* See timing.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

#include "cache.h"
#include "joint.h"

static struct timing_block nothing = {.pc = 1, .end = 2, .next = 2}; /* before the first block */
static struct cache own_instruction_cache, *instruction_cache;
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
  timing.near_at = page->flash_at - TIMING_NEAR;
  timing.near_size = page->flash_size + 2 * TIMING_NEAR;
  instruction_cache = page->unified ? &timing.data : &own_instruction_cache;
  cache_setup(&timing.data, page->unified ? &page->instruction : &page->data);
  if (!page->unified) cache_setup(instruction_cache, &page->instruction);
  timing.sector_size = timing.data.sector_size;
}

bool timing_arrive(struct timing_block *b, const struct timing_block *from, const uint32_t *registers) {
  b->from = from;
  b->front = NULL;
  b->here = b->cycles;
  if (b->pc == from->next) {
    b->here += (uint32_t)(int32_t)from->joint;
    b->front = from;
  } else if (timing_goes_on(b, from)) {
    uint32_t ahead = from->rest[(b->pc - from->pc) >> 1];
    b->from = NULL; /* to be looked at every time */
    timing.at_block = timing.page->cycles - ahead;
    if (b->end == from->end) {
      timing_unseen_loads(b, from, registers);
      return false;
    }
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

uint32_t timing_reads_ahead(void) {
  uint32_t sector = timing.page->instruction.sector;
  return timing.page->prefetch || sector < 8 ? sector : 8;
}

uint32_t timing_walk(struct timing_block *b, const struct timing_block *front) {
  uint32_t stalls = 0, hidden = front ? front->tail : 0;
  bool evicted = false, missed = false;
  for (uint32_t i = 0; i < b->fetches; i++) {
    struct timing_fetch *f = &b->fetch[i];
    if (cache_use(instruction_cache, f->address, true, &f->slot, &evicted)) continue;
    missed = true;
    timing.page->stalls.fetch_misses++;
    if (i) hidden = f->before + (i == 1 && front ? joint_hides(front, b, f->address) : 0);
    if (hidden < timing.page->fetch_wait) stalls += timing.page->fetch_wait - hidden;
  }
  if (missed || evicted) timing.epoch++;
  b->epoch = timing.epoch;
  timing.page->stalls.fetch += stalls;
  return stalls;
}

uint32_t timing_miss(uint32_t address, uint16_t *slot) {
  bool evicted = false, hit = cache_use(&timing.data, address, false, slot, &evicted);
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

void timing_data_from(const struct timing_block *b, const uint32_t *registers, const struct timing_pointer *p) {
  uint32_t cycles = 0;
  for (const struct timing_pointer *end = b->pointer + b->pointers; p < end; p++) {
    uint32_t address = timing_pointer_at(p, registers);
    if (b->look || !timing_costs_nothing(p, address)) cycles += timing_loads(p->load, p->loads, address);
  }
  timing.page->cycles += cycles;
}

/* Whether the only load by an aligned pointer reads a sector that is where it was last: nothing to wait for. Nothing but
 * flash is in the cache. */
static bool found(const struct timing_pointer *p, uint32_t address) {
  if (address & p->aligned) return false;
  address += (uint32_t)p->offset;
  return (address & (timing.sector_size - 1)) < p->inside && cache_hit(&timing.data, address, p->load->slot);
}

void timing_data_found(const struct timing_block *b, const uint32_t *registers, const struct timing_pointer *p) {
  for (const struct timing_pointer *end = b->pointer + b->pointers; p < end; p++) {
    uint32_t address = timing_pointer_at(p, registers);
    if (timing_costs_nothing(p, address) || timing_again(p, address) || found(p, address)) continue;
    timing_data_from(b, registers, p);
    return;
  }
}

void timing_data(const struct timing_block *b, const uint32_t *registers) {
  if (b->literals) timing.page->cycles += timing_literals(b);
  timing_data_from(b, registers, b->pointer);
}

void timing_fetch(struct timing_block *b) {
  if (b->epoch != timing.epoch)
    timing.page->cycles += timing_walk(b, timing.last->next == b->pc ? timing.last : NULL);
  timing.last = b;
}

void timing_fetch_and_data(struct timing_block *b, const uint32_t *registers) {
  timing_fetch(b);
  timing_data(b, registers);
}

void timing_access(uint32_t address, uint32_t width, uint32_t words, uint16_t *slot) {
  uint32_t cycles = timing_unaligned(address, width);
  if (timing_in_flash(address)) cycles += timing_read(address, 4 * (words - 1), slot);
  timing.page->cycles += cycles;
}
