/* See ram.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ram.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint8_t *ram;
static uint32_t ram_at, ram_size;

void ram_install(int fd, uint32_t at) {
  off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
  void *map = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (map == MAP_FAILED) return;
  ram = map;
  ram_at = at;
  ram_size = (uint32_t)size;
}

bool ram_read(uint32_t address, void *to, uint32_t size) {
  if (ram == NULL || address < ram_at || address - ram_at > ram_size - size) return false;
  memcpy(to, ram + (address - ram_at), size);
  return true;
}
