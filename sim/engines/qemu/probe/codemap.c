/* See codemap.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "codemap.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "decode.h"

enum {
  RETURNS = 1, /* behind something that looks like a call */
  TARGET = 2,  /* of a direct branch */
  CROSSED = 4, /* of a direct branch in another function */
  LOOSE = 8,   /* in a function with branches to addresses from registers or tables */
};

static const struct code_area *area;
static uint16_t *code;   /* the image's halfwords */
static uint8_t *notes;   /* of each of them */
static bool with_crossings, stale;

static void make(void);

static bool covers(uint32_t pc) {
  if (stale) make();
  return notes != NULL && pc - area->low < area->size - 1;
}
static uint32_t at(uint32_t pc) { return (pc - area->low) >> 1; }

uint32_t branch_target(const uint16_t half[2], uint32_t pc) {
  uint32_t h0 = half[0], h1 = half[1], sign = h0 >> 10 & 1, j1 = h1 >> 13 & 1, j2 = h1 >> 11 & 1;
  int32_t offset;
  if ((h0 & 0xf000) == 0xd000 && (h0 & 0x0f00) < 0x0e00)
    offset = (int8_t)h0 * 2;
  else if ((h0 & 0xf800) == 0xe000)
    offset = (int32_t)(h0 << 21) >> 20;
  else if ((h0 & 0xf500) == 0xb100)
    offset = (int32_t)((h0 >> 9 & 1) << 6 | (h0 >> 3 & 31) << 1);
  else if ((h0 & 0xff80) == 0xf000 && (h1 & 0xf001) == 0xc001)
    offset = -(int32_t)((h1 >> 1 & 0x3ff) << 2 | j2 << 1);
  else if ((h0 & 0xf800) == 0xf000 && (h1 & 0xd000) == 0x8000 && (h0 >> 7 & 7) != 7)
    offset = (int32_t)(sign << 31 | j2 << 30 | j1 << 29 | (h0 & 0x3f) << 23 | (h1 & 0x7ff) << 12) >> 11;
  else if ((h0 & 0xf800) == 0xf000 && (h1 & 0x9000) == 0x9000)
    offset = (int32_t)(sign << 31 | (uint32_t)(j1 == sign) << 30 | (uint32_t)(j2 == sign) << 29 | (h0 & 0x3ff) << 19 |
                       (h1 & 0x7ff) << 8) >>
             7;
  else
    return 0;
  return pc + 4 + (uint32_t)offset;
}

bool is_linked_call(const uint16_t half[2]) {
  return (half[0] & 0xff87) == 0x4780 || ((half[0] & 0xf800) == 0xf000 && (half[1] & 0xd000) == 0xd000);
}

/* To an address from a register or from memory, other than a return: of a switch, or a call by pointer at the end. */
static bool jumps_anywhere(const uint16_t half[2]) {
  uint32_t h0 = half[0], h1 = half[1];
  if ((h0 & 0xff87) == 0x4700) return (h0 >> 3 & 15) != 14;              /* BX */
  if ((h0 & 0xff87) == 0x4687 || (h0 & 0xff87) == 0x4487) return true;   /* MOV pc, ADD pc */
  if ((h0 & 0xfff0) == 0xe8d0 && (h1 & 0xffe0) == 0xf000) return true;   /* TBB, TBH */
  return (h0 & 0xff70) == 0xf850 && h0 != 0xf85d && h1 >> 12 == 15;      /* LDR pc, but for POP */
}

static void note(uint32_t pc, uint8_t what) {
  if (covers(pc)) notes[at(pc)] |= what;
}

static void give_up(uint32_t first, uint32_t end) {
  for (uint32_t pc = first; pc < end; pc += 2) note(pc, LOOSE);
}

static void make(void) {
  uint32_t n = area->size >> 1, function = function_of(area->low);
  uint32_t first = area->low, next = symbol_address(function + 1); /* of the function at hand */
  bool loose = false;
  stale = false;
  memset(notes, 0, n);
  for (uint32_t i = 0; i < n; i++) {
    uint16_t half[2] = {code[i], i + 1 < n ? code[i + 1] : 0};
    uint32_t pc = area->low + 2 * i, target;
    if (pc >= next) {
      if (loose) give_up(first, pc);
      loose = false;
      first = pc;
      function = function_of(pc);
      next = symbol_address(function + 1);
    }
    if (is_linked_call(half)) note(pc + thumb_size(half[0]), RETURNS);
    if ((half[0] & 0xff00) == 0xdf00) note(pc + 2, RETURNS); /* SVC */
    if ((target = branch_target(half, pc)) != 0) {
      note(target, TARGET);
      if (with_crossings && target - first >= next - first) note(target, CROSSED);
    }
    if (jumps_anywhere(half)) loose = true;
  }
  if (loose) give_up(first, area->low + area->size);
}

void codemap_install(void *control_file, bool crossings) {
  area = (const struct code_area *)((const char *)control_file + CODE_AT);
  with_crossings = crossings;
  if (area->size < 4) return;
  code = malloc(area->size);
  notes = malloc(area->size >> 1);
  if (code == NULL || notes == NULL) abort();
  memcpy(code, (const char *)control_file + area->bytes_at, area->size);
  stale = true;
}

void codemap_write(uint32_t address, const uint8_t *bytes, size_t size) {
  if (notes == NULL || address < area->low || size > area->size || address - area->low > area->size - size) return;
  memcpy((uint8_t *)code + (address - area->low), bytes, size);
  stale = true;
}

bool codemap_returns(uint32_t pc) { return !covers(pc) || (notes[at(pc)] & RETURNS); }
bool codemap_jumped_to(uint32_t pc) { return covers(pc) && (notes[at(pc)] & TARGET); }
bool codemap_crossed(uint32_t pc) { return !covers(pc) || (notes[at(pc)] & CROSSED); }

bool codemap_instruction(uint32_t pc, uint16_t half[2]) {
  if (!covers(pc) || !covers(pc + 2)) return false;
  half[0] = code[at(pc)];
  half[1] = code[at(pc) + 1];
  return true;
}

/* An instruction that sets pc and that IT can make one of two ways. */
static bool may_leave(uint32_t before, uint32_t last) {
  if ((last & 0xff00) == 0x4700 || (last & 0xff00) == 0xbd00 || (last & 0xf800) == 0xe000) return true;
  if ((last & 0xff87) == 0x4687 || (last & 0xff87) == 0x4487) return true;
  if ((before & 0xf800) == 0xf000 && (last & 0x9000) == 0x9000) return true;
  if ((before & 0xfe50) == 0xe810 && (last & 0x8000)) return true;       /* LDM, POP */
  if ((before & 0xfff0) == 0xe8d0 && (last & 0xffe0) == 0xf000) return true;
  return (before & 0xff70) == 0xf850 && last >> 12 == 15;
}

static bool behind_a_condition(uint32_t pc) {
  uint32_t i = at(pc), last = code[i - 1], before = i > 1 ? code[i - 2] : 0;
  if ((last & 0xf000) == 0xd000 && (last & 0x0f00) < 0x0e00) return true;
  if ((last & 0xf500) == 0xb100) return true;
  if ((before & 0xf800) == 0xf000 && (last & 0xd000) == 0x8000) return true;
  if ((before & 0xf800) == 0xf000 && (last & 0xd000) == 0xc000) return true; /* loops of Armv8.1-M */
  if (!may_leave(before, last)) return false;
  for (uint32_t back = 2; back <= 9 && back <= i; back++)
    if ((code[i - back] & 0xff00) == 0xbf00 && (code[i - back] & 15)) return true; /* IT */
  return false;
}

enum code_arrival codemap_arrival(uint32_t pc) {
  if (!covers(pc) || pc == area->low) return ARRIVES_EITHER;
  if (!behind_a_condition(pc)) return ARRIVES_JUMP;
  if ((notes[at(pc)] & (RETURNS | TARGET | LOOSE)) || symbol_at(pc) != NONE) return ARRIVES_EITHER;
  return ARRIVES_FALL;
}
