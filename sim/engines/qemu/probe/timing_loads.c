/* Which loads of a block are looked at when it begins: those whose address can be told from the registers there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "codemap.h"
#include "pool.h"
#include "timing_block.h"

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
  return l->offset > -TIMING_NEAR && l->offset < TIMING_NEAR - 256;
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
static void put_loads(struct timing_block *b, struct found *found, size_t n) {
  bool done[BLOCK_MOST] = {false};
  struct timing_load *load = take_memory(n * sizeof *load);
  b->pointer = take_memory(n * sizeof *b->pointer);
  for (size_t i = 0; i < n; i++) {
    struct timing_pointer *p = &b->pointer[b->pointers];
    if (done[i]) continue;
    *p = (struct timing_pointer){.base = found[i].base, .index = found[i].index, .shift = found[i].shift, .load = load};
    if (p->index == UNKNOWN) p->index = 0, p->shift = 32;
    for (size_t j = i; j < n; j++) {
      const struct timing_load *l = &found[j].load;
      if (done[j] || !same_pointer(&found[i], &found[j])) continue;
      done[j] = true;
      *load++ = *l;
      p->loads++;
      p->aligned |= (uint8_t)(l->width - 1);
      if (l->offset & (l->width - 1)) b->look = true;
    }
    p->offset = p->load->offset;
    if (p->loads == 1 && p->load->span < timing.sector_size) p->inside = timing.sector_size - p->load->span;
    b->pointers++;
  }
}

static bool reads_memory(const struct op *op) {
  return op->kind == K_LOAD || op->kind == K_LOAD_MANY || op->kind == K_LOAD_TWO || op->kind == K_TABLE;
}

/* A walk through a block. */
struct walk {
  struct follower f;
  unsigned conditional; /* instructions that IT still holds */
};

static void walk_from_start(struct walk *w) {
  w->conditional = 0;
  for (uint8_t r = 0; r < 16; r++) w->f.base[r] = r, w->f.offset[r] = 0;
}

static void walk_on(struct walk *w, const struct op *op) {
  follow(&w->f, op, w->conditional > 0);
  if (op->kind == K_IT)
    w->conditional = op->it;
  else if (w->conditional)
    w->conditional--;
}

static bool sees(const struct walk *w, const struct op *op, struct found *to) {
  return !w->conditional && op->kind != K_TABLE && can_see(&w->f, op, to);
}

void timing_find_loads(struct timing_block *b, const struct op *ops, size_t n, bool known, bool *watch) {
  struct found found[BLOCK_MOST];
  uint32_t literal[BLOCK_MOST], at = b->pc;
  size_t loads = 0;
  struct walk w;
  walk_from_start(&w);
  for (size_t i = 0; i < n; at += ops[i++].size) {
    const struct op *op = &ops[i];
    if (reads_memory(op)) {
      if (op->flags & F_LITERAL) {
        if (op->kind != K_TABLE) literal[b->literals++] = op->literal;
      } else if (op->rn == 13 && op->kind != K_TABLE) {
        /* the stack: RAM, aligned */
      } else if (known && sees(&w, op, &found[loads])) {
        if (!join_any(found, loads)) loads++;
      } else {
        watch[i] = true;
        if (b->unseen == NULL) b->unseen = take_memory((b->end - b->pc) / 2 * sizeof *b->unseen);
        b->unseen[(at - b->pc) >> 1] = true;
      }
    }
    walk_on(&w, op);
  }
  b->look = b->literals > 0;
  put_loads(b, found, loads);
  b->literal = take_memory(b->literals * sizeof *b->literal);
  memcpy(b->literal, literal, b->literals * sizeof *b->literal);
}

void timing_unseen_loads(const struct timing_block *b, const struct timing_block *from, const uint32_t *registers) {
  struct walk w;
  struct op op;
  struct found found;
  uint16_t half[2];
  uint32_t cycles = 0;
  if (from->unseen == NULL) return;
  walk_from_start(&w);
  for (uint32_t pc = b->pc; pc < b->end && codemap_instruction(pc, half); pc += op.size) {
    decode(pc, half, thumb_size(half[0]), &op);
    bool watched = b->unseen != NULL && b->unseen[(pc - b->pc) >> 1];
    if (from->unseen[(pc - from->pc) >> 1] && !watched && sees(&w, &op, &found)) {
      uint32_t address = registers[found.base];
      if (found.index != UNKNOWN) address += registers[found.index] << found.shift;
      cycles += timing_loads(&found.load, 1, address);
    }
    walk_on(&w, &op);
  }
  timing.page->cycles += cycles;
}
