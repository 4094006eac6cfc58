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

/* Where the stack pointer that is not in use is kept in the core's state no interface of version 1 says. In a handler it is
 * the process stack pointer: every word of that state that is an address in RAM where the frame of an exception from thread
 * mode lies may be it. */
enum { STATE = 2048 }; /* words that are looked at */

static bool may_be_frame(size_t word) {
  uint32_t at = core[word], pc, xpsr;
  return (at & 3) == 0 && at != core[13] && ram_word(at + 24, &pc) && ram_word(at + 28, &xpsr) && (pc & 1) == 0 &&
         (xpsr & 0x010001ff) == 0x01000000;
}

/* The runner judges. */
void find_process_stack(void) {
  ctl->frames = 0;
  if (psp_handle != NULL) {
    ctl->frame[ctl->frames++] = from_handle(psp_handle);
    return;
  }
  for (size_t i = 16; core != no_core && i < STATE && ctl->frames < FRAMES; i++)
    if (may_be_frame(i)) ctl->frame[ctl->frames++] = core[i];
}

static uint16_t others[FRAMES]; /* words of the state that were it at every handler so far */
static uint32_t others_known;

/* r0 to r3 and r12 of the frame are those that the handler begins with, unless another one ran before it, or the core
 * clears them (Armv8.1-M). */
static bool fresh_frame(size_t word) {
  uint32_t kept[8];
  return ram_read(core[word], kept, sizeof kept) && memcmp(kept, core, 16) == 0 && kept[4] == core[12];
}

bool process_frame(uint32_t *frame) {
  uint32_t left = 0;
  if (core == no_core) return false;
  if (others_known == 0) {
    for (size_t i = 16; i < STATE && left < FRAMES; i++)
      if (may_be_frame(i) && fresh_frame(i)) others[left++] = (uint16_t)i;
    for (size_t i = 16; i < STATE && left == 0; i++)
      if (may_be_frame(i)) others[left++] = (uint16_t)i;
  } else {
    for (uint32_t i = 0; i < others_known; i++)
      if (may_be_frame(others[i])) others[left++] = others[i];
  }
  if (left == 0) return false;
  others_known = left;
  *frame = core[others[0]];
  return true;
}

static uint32_t awaited;
static bool had_it[STATE];

void await_process_stack(uint32_t main_sp) {
  if (core == no_core || others_known != 0) return;
  awaited = main_sp;
  for (size_t i = 16; i < STATE; i++) had_it[i] = core[i] == main_sp;
}

/* What comes first behind a handler on the process stack: its frame lies below the stack pointer, and went here. */
static bool has_popped(uint32_t pc) {
  static const uint8_t sizes[] = {32, 36, 104, 108};
  uint32_t to;
  for (size_t i = 0; i < sizeof sizes; i++)
    if (ram_word(core[13] - sizes[i] + 24, &to) && (to & ~1u) == pc) return true;
  return false;
}

bool on_process_stack(uint32_t main_sp, uint32_t pc) {
  uint32_t found = 0;
  if (others_known != 0) return core[others[0]] == main_sp;
  if (core == no_core || main_sp != awaited || core[13] == main_sp || !has_popped(pc)) return false;
  for (size_t i = 16; i < STATE && found < FRAMES; i++)
    if (core[i] == main_sp && !had_it[i]) others[found++] = (uint16_t)i;
  others_known = found;
  return found > 0;
}
