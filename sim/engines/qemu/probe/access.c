/* See access.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <stddef.h>

#include "ram.h"

struct access_area *access_area;
static struct access *noted;

_Static_assert(sizeof(struct access_area) <= 2048 - ACCESS_AT, "the parts of the shared file overlap");

void access_install(void *control_file) {
  access_area = (struct access_area *)((char *)control_file + ACCESS_AT);
  noted = (struct access *)((char *)control_file + access_area->at);
}

bool access_note(const struct access_place *place, uint32_t address, uint32_t size, bool store, uint64_t count,
                 uint64_t cycles) {
  bool stop = false;
  for (uint32_t i = 0; i < ACCESS_RANGES; i++) {
    struct access_range *r = &access_area->range[i];
    struct access *a;
    if (r->size == 0 || !(r->mode & (store ? ACCESS_WRITE : ACCESS_READ))) continue;
    if (address + size <= r->low || address >= r->low + r->size) continue;
    if (r->mode & ACCESS_STOP) stop = true;
    if (r->left == 0 || access_area->count == access_area->max) {
      r->dropped++;
      continue;
    }
    r->left--;
    a = &noted[access_area->count++];
    *a = (struct access){count - place->ahead, cycles, 0, place->pc, address, size | (uint32_t)store << 31, i};
    if (size <= sizeof a->value) ram_read(address, &a->value, size);
  }
  return stop || access_area->count > access_area->max / 2;
}
