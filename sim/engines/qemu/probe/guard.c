/* See guard.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

enum {
  REGION = 8192,    /* bytes for a struct MemoryRegion, of which QEMU sets what it needs: below 300 in 7.2 */
  IN_FRONT = 10000, /* of all that machines lay themselves */
};

typedef void (*init_io)(void *region, void *owner, const void *ops, void *opaque, const char *name, uint64_t size);
typedef void (*init_rom)(void *region, void *owner, const void *ops, void *opaque, const char *name, uint64_t size,
                         void **error);
typedef void (*init_alias)(void *region, void *owner, const char *name, void *of, uint64_t offset, uint64_t size);
typedef void (*add)(void *into, uint64_t at, void *region, int priority);

bool guard_lay(const char *what, const char *where) {
  const init_io hole = (init_io)qemu_symbol("memory_region_init_io");
  const init_rom rom = (init_rom)qemu_symbol("memory_region_init_rom_device_nomigrate");
  const init_alias mirror = (init_alias)qemu_symbol("memory_region_init_alias");
  const add lay = (add)qemu_symbol("memory_region_add_subregion_overlap");
  void *(*const system_memory)(void) = (void *(*)(void))qemu_symbol("get_system_memory");
  const void *nobody = qemu_symbol("unassigned_mem_ops"); /* answers no access: the core takes a bus fault */
  void *memory = system_memory == NULL ? NULL : system_memory();
  void *region = calloc(2, REGION), *second = (char *)region + REGION; /* as long as the machine */
  char *rest;
  uint64_t at = strtoull(where, &rest, 16), size = *rest == '+' ? strtoull(rest + 1, &rest, 16) : 0;
  if (!hole || !rom || !mirror || !lay || !nobody || !memory || !region || !size) return false;
  if (strcmp(what, "rom") == 0)
    rom(region, NULL, nobody, NULL, "boardless-flash", size, NULL);
  else
    hole(region, NULL, nobody, NULL, "boardless-hole", size);
  lay(memory, at, region, IN_FRONT);
  if (*rest == '+') {
    mirror(second, NULL, "boardless-mirror", region, 0, size);
    lay(memory, strtoull(rest + 1, NULL, 16), second, IN_FRONT);
  }
  return true;
}
