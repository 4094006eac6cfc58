/* Accesses to watched memory, each with where the core was. Costs a look at every load and store, so it is translated in
 * only while somebody watches: the runner lets QEMU translate anew when that begins and when it ends. Then every block is
 * looked at when it begins, too, for the ends of handlers (regions.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { ACCESS_AT = 1664, ACCESS_RANGES = 8 }; /* offset in the shared file */
enum { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_STOP = 4 };

struct access_range {
  uint32_t low, size;     /* size 0: none */
  uint32_t mode;
  uint32_t left, dropped; /* how many more are noted; those that were not */
};
struct access_area {
  uint32_t on;
  uint32_t at, max, count; /* noted: offset in this file, room, number */
  struct access_range range[ACCESS_RANGES];
};
struct access {
  uint64_t count, cycles; /* in front of the instruction */
  uint64_t value;         /* in memory behind it */
  uint32_t pc, address;
  uint32_t size, range;   /* bytes, with bit 31 set for a store; index of the range */
};
struct access_place { /* an instruction */
  uint32_t pc;
  uint32_t ahead; /* what the count is ahead of it when it accesses memory */
  uint32_t cycles; /* the same of cycles, as far as they are known at translation */
};

#pragma GCC visibility push(hidden)
extern struct access_area *access_area;
void access_install(void *control_file);

/* True: the core is to stop at the next block. */
bool access_note(const struct access_place *place, uint32_t address, uint32_t size, bool store, uint64_t count,
                 uint64_t cycles);
#pragma GCC visibility pop
