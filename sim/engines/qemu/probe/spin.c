/* See spin.h. sim/engines/qemu/spin.py does the same at the other end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "spin.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 50000, SKIP_MAX = 64 };

bool spins;
static unsigned skip, skipped; /* waits to go without spinning, after spinning was in vain */

static long ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

bool receive(int socket, char *byte) {
  if (skipped < skip) {
    skipped++;
  } else if (spins) {
    for (long end = ns() + SPIN_NS; ns() < end;) {
      if (recv(socket, byte, 1, MSG_DONTWAIT) == 1) {
        skip = 0;
        return true;
      }
    }
    skipped = 0;
    skip = skip ? (skip < SKIP_MAX ? skip * 2 : SKIP_MAX) : 1;
  }
  return read(socket, byte, 1) == 1;
}
