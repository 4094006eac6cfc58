/* See steer.h.
 *
 * QEMU's translated code keeps the address of the core's state in one fixed host register, and that state begins with
 * r0 to r15. It runs in one stack frame that a prologue makes and an epilogue takes back; the frame has had the same
 * shape in every QEMU so far (tcg/i386/tcg-target.c.inc, tcg_target_qemu_prologue), and leaving a block early by the
 * epilogue is what QEMU itself does where a block goes on to one that is not known yet: its main loop looks up what is
 * at pc. So a callback at the start of a block can do the same. All of this is checked before it is used: that state
 * holds pc, that the frame ends where QEMU called, and that nothing has changed since the first block.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "steer.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct steer_area *area;
static uint32_t *state;       /* r0 to r15 */
static uintptr_t frame, home; /* of translated code: stack pointer at a call; where QEMU goes on behind the epilogue */
static uintptr_t code;        /* an address in translated code */
static int ram;

void steer_install(void *control_file, int ram_fd) {
  area = (struct steer_area *)((char *)control_file + STEER_AT);
  ram = ram_fd;
}

void steer_seen(uint32_t *of_core, void *data, uintptr_t stack);

#if defined(__x86_64__)
enum { FRAME = 1160, SAVED = 6 * 8 }; /* static call arguments, temporaries, alignment; registers pushed */

__asm__(".text\n.globl steer_first\n.hidden steer_first\n.type steer_first, @function\nsteer_first:\n"
        " mov %rbp, %rdi\n lea 8(%rsp), %rdx\n jmp steer_seen\n");

static uintptr_t at(uintptr_t address) { return *(const uintptr_t *)address; }

/* Whether a call stands in front of that address of QEMU's own code: through a register, or through a variable. */
static bool behind_a_call(uintptr_t address) {
  const uint8_t *p = (const uint8_t *)address;
  Dl_info there, qemu;
  if (!dladdr(p, &there) || !dladdr(dlsym(RTLD_DEFAULT, "qemu_plugin_tb_vaddr"), &qemu)) return false;
  if (there.dli_fbase != qemu.dli_fbase) return false;
  return (p[-2] == 0xff && (p[-1] & 0xf8) == 0xd0) || (p[-6] == 0xff && p[-5] == 0x15);
}

static void find_frame(uintptr_t stack) {
  uintptr_t to = at(stack + FRAME + SAVED);
  if (!behind_a_call(to)) return;
  frame = stack;
  home = to;
  code = at(stack - 8);
  area->able |= STEER_LEAVES;
}

static bool can_leave(void) {
  return (area->able & STEER_LEAVES) && at(frame + FRAME + SAVED) == home && at(frame - 8) - code + (1u << 30) < 2u << 30;
}

/* Frames of the callback that are on top of the block's are dropped; nothing in them has to be undone. */
static void leave_block(void) {
  __asm__ volatile(
      "mov %0, %%rsp\n pop %%r15\n pop %%r14\n pop %%r13\n pop %%r12\n pop %%rbx\n pop %%rbp\n xor %%eax, %%eax\n ret"
      :
      : "r"(frame + FRAME)
      : "memory");
  __builtin_unreachable();
}
#else
void steer_first(unsigned vcpu, void *data) {
  (void)vcpu;
  (void)data;
}
static bool can_leave(void) { return false; }
static void leave_block(void) {}
#endif

__attribute__((used)) void steer_seen(uint32_t *of_core, void *data, uintptr_t stack) {
  if (area->able || of_core == NULL || ((uintptr_t)of_core & 3) || of_core[15] != (uint32_t) * (uint64_t *)data) return;
  state = of_core;
  area->able = STEER_READS;
#if defined(__x86_64__)
  find_frame(stack);
#else
  (void)stack;
#endif
}

/* The machine's own RAM becomes the shared file, with what is in it now. */
static bool take_ram(void) {
  void *host = (void *)(uintptr_t)area->host;
  size_t size = (size_t)area->size;
  if (ram < 0 || pwrite(ram, host, size, 0) != (ssize_t)size) return false;
  return mmap(host, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram, 0) == host;
}

bool steer_request(char request, uint64_t pc, bool inner) {
  area->refused = state == NULL || inner;
  switch (request) {
  case 'm':
    area->refused = !take_ram();
    return true;
  case 'g':
    if (!area->refused) {
      memcpy(area->registers, state, sizeof area->registers);
      area->registers[15] = (uint32_t)pc;
    }
    return true;
  case 'j':
    if (!area->refused && can_leave()) {
      memcpy(state, area->registers, sizeof area->registers);
      leave_block();
    }
    area->refused = 1;
    return true;
  default:
    return false;
  }
}
