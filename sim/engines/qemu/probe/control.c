/* See control.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

struct control *ctl;
const uint64_t *image_clock;
struct sym *syms;
struct region *regions;
static uint64_t *marks;

bool control_install(void *file, size_t size) {
  if (size < sizeof(struct control)) return false;
  ctl = file;
  syms = (struct sym *)((char *)file + ctl->symbols_at);
  marks = (uint64_t *)((char *)file + ctl->marks_at);
  regions = (struct region *)((char *)file + ctl->regions_at);
  return true;
}

void mark(uint64_t now) {
  if (ctl->marks < ctl->marks_max) marks[ctl->marks++] = now;
  if (ctl->marks > ctl->marks_max / 2) ctl->limit = 0; /* a device access is no place to stop: soon behind it */
}

uint32_t symbol_at(uint64_t address) {
  uint32_t low = 0, high = ctl->symbols;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (syms[mid].address < address)
      low = mid + 1;
    else
      high = mid;
  }
  return low < ctl->symbols && syms[low].address == address ? low : NONE;
}

uint32_t function_of(uint64_t address) {
  uint32_t low = 0, high = ctl->symbols;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (syms[mid].address <= address)
      low = mid + 1;
    else
      high = mid;
  }
  return low == 0 ? NONE : low - 1;
}

uint32_t symbol_address(uint32_t index) { return index < ctl->symbols ? syms[index].address : 0xffffffffu; }

bool is_operator(uint32_t index) { return index < ctl->symbols && (syms[index].arm & REGION); }
