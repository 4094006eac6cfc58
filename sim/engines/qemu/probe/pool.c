/* See pool.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <stdlib.h>

#include "stop.h"

void *take_memory(size_t size) {
  static char *pool;
  static size_t left;
  void *p;
  size = (size + 7) & ~(size_t)7;
  if (left < size) {
    left = size > 1 << 20 ? size : 1 << 20;
    pool = calloc(left, 1);
    if (pool == NULL) leave();
  }
  p = pool;
  pool += size;
  left -= size;
  return p;
}
