/* See registers.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "registers.h"

#include <stddef.h>
#include <string.h>

#include "control.h"
#include "qemu.h"
#include "ram.h"

struct byte_array { /* GByteArray, GArray */
  uint8_t *data;
  unsigned length;
};
static void *sp_handle, *lr_handle, *psp_handle;
static struct byte_array *bytes;
static void (*set_size)(void *, unsigned);
static int (*read_register)(void *, struct byte_array *);

void find_registers(void) {
  struct byte_array *list = ((struct byte_array * (*)(void)) qemu_symbol("qemu_plugin_get_registers"))();
  /* Handle, name, feature; since registers can be written also whether this one cannot. */
  size_t stride = (qemu_symbol("qemu_plugin_write_register") != NULL ? 4 : 3) * sizeof(void *);
  for (unsigned i = 0; i < list->length; i++) {
    void *entry[2];
    memcpy(entry, list->data + i * stride, sizeof entry);
    if (strcmp(entry[1], "sp") == 0 || strcmp(entry[1], "r13") == 0) sp_handle = entry[0];
    if (strcmp(entry[1], "psp") == 0) psp_handle = entry[0];
    if (strcmp(entry[1], "lr") == 0 || strcmp(entry[1], "r14") == 0) lr_handle = entry[0];
  }
  bytes = ((struct byte_array * (*)(void)) qemu_symbol("g_byte_array_new"))();
  set_size = (void (*)(void *, unsigned))qemu_symbol("g_byte_array_set_size");
  read_register = (int (*)(void *, struct byte_array *))qemu_symbol("qemu_plugin_read_register");
}

static uint32_t from_handle(void *handle) {
  uint32_t value = 0;
  set_size(bytes, 0);
  read_register(handle, bytes);
  if (bytes->length >= sizeof value) memcpy(&value, bytes->data, sizeof value);
  return value;
}

const uint32_t no_core[16];
const uint32_t *core = no_core;
uint32_t stack_low, stack_size = 0xffffffffu;

void block_with_state(void *data, const uint32_t *state);
#if defined(__x86_64__)
__asm__(".text\n.globl block_env\n.hidden block_env\n.type block_env, @function\nblock_env:\n"
        " mov %rsi, %rdi\n mov %rbp, %rsi\n jmp block_with_state\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl block_env\n.hidden block_env\n.type block_env, %function\nblock_env:\n"
        " mov x0, x1\n mov x1, x19\n b block_with_state\n");
#endif

__attribute__((used)) void block_with_state(void *data, const uint32_t *state) {
  uint64_t pc = *(uint64_t *)data;
  if (state == NULL || ((uintptr_t)state & 3) != 0 || state[15] != (uint32_t)pc) return;
  core = state;
  if (ctl->stack_size != 0 && core[13] - ctl->stack_low <= ctl->stack_size) {
    stack_low = ctl->stack_low;
    stack_size = ctl->stack_size;
  }
}

bool core_registers(uint32_t *sp, uint32_t *lr) {
  if (core != no_core) {
    *sp = core[13];
    *lr = core[14];
  } else if (sp_handle != NULL && lr_handle != NULL) {
    *sp = from_handle(sp_handle);
    *lr = from_handle(lr_handle);
  } else {
    *sp = *lr = 0;
    return false;
  }
  return true;
}

/* Where the process stack pointer is kept in the core's state no interface of version 1 says. Every word of that state
 * that is an address in RAM where the frame of an exception from thread mode lies may be it; the runner judges. */
void find_process_stack(void) {
  uint32_t pc, xpsr;
  ctl->frames = 0;
  if (psp_handle != NULL) {
    ctl->frame[ctl->frames++] = from_handle(psp_handle);
    return;
  }
  for (size_t i = 16; core != no_core && i < 2048 && ctl->frames < FRAMES; i++)
    if ((core[i] & 3) == 0 && core[i] != core[13] && ram_word(core[i] + 24, &pc) && ram_word(core[i] + 28, &xpsr) &&
        (pc & 1) == 0 && (xpsr & 0x010001ff) == 0x01000000)
      ctl->frame[ctl->frames++] = core[i];
}
