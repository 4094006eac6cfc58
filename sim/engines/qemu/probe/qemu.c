/* See qemu.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "qemu.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

EXPORT int qemu_plugin_version = 1;

void *qemu_symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

__attribute__((constructor)) static void choose_version(void) {
  const char *given = getenv("BOARDLESS_PROBE_API"); /* the runner, after QEMU refused a version */
  if (given != NULL)
    qemu_plugin_version = atoi(given);
  else if (qemu_symbol("qemu_plugin_set_pc") != NULL)
    qemu_plugin_version = 7;
  else if (qemu_symbol("qemu_plugin_scoreboard_new") != NULL)
    qemu_plugin_version = 2;
}

void register_callback(plugin_id id, const char *name, void *v1, void *v7) {
  void *f = qemu_symbol(name);
  if (qemu_plugin_version >= 7)
    ((void (*)(plugin_id, void *, void *))f)(id, v7, NULL);
  else
    ((void (*)(plugin_id, void *))f)(id, v1);
}

void opcode(struct qemu_plugin_insn *insn, uint16_t half[2]) {
  /* Up to QEMU 9.0 this returns a pointer to the bytes, later it copies them and returns their number. */
  size_t (*data)(const struct qemu_plugin_insn *, void *, size_t) =
      (size_t(*)(const struct qemu_plugin_insn *, void *, size_t))qemu_symbol("qemu_plugin_insn_data");
  size_t size = qemu_plugin_insn_size(insn), got;
  half[0] = half[1] = 0;
  got = data(insn, half, 4);
  if (got > 64) memcpy(half, (const void *)got, size < 4 ? size : 4);
}
