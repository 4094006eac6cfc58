/* The fault handler: a dump with registers and stack, of a core that has just faulted. Others do without this file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "boardless_recorder_inside.h"

enum { STACK_MOST = 2048, STACK_LINE = 32 };

__attribute__((weak)) void blr_after_fault(void) {
  for (;;) {
  }
}

#if defined(__arm__) && defined(__GNUC__)
#define REGISTER(address) (*(volatile uint32_t *)(address))

static void named(const char *name, uint32_t value) {
  blr_put(' ');
  while (*name != '\0') blr_put(*name++);
  blr_put('=');
  blr_put_hex(value);
}

/* Faults come when the stack is at its end, too: they are dumped on a stack of their own. */
__attribute__((used)) static uint32_t blr_saved[8]; /* r4 to r11 */
__attribute__((used, aligned(8))) static uint32_t blr_stack[128];

/* Where the stack ends, if the linker's script has this name for it. */
extern uint32_t __stack_limit[] __attribute__((weak));

/* The core has stored its registers, unless that was what failed: MSTKERR, STKERR. STKOF is of an instruction, which
 * has left the stack pointer where it was, or of the storing, which has put it to the limit. */
static int has_frame(const uint32_t *frame) {
  uint32_t cfsr = REGISTER(0xE000ED28), sp = (uint32_t)(uintptr_t)frame, limit = (uint32_t)(uintptr_t)__stack_limit;
  if (cfsr & (1u << 4 | 1u << 12)) return 0;
  return (cfsr & 1u << 20) == 0 || (limit != 0 && sp > limit && sp < blr_state.stack_top);
}

/* Returns the stack pointer as it was. */
static uint32_t registers(const uint32_t *frame, uint32_t exc_return) {
  static const char names[13][4] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12"};
  uint32_t sp = (uint32_t)(uintptr_t)frame;
  blr_line('R');
  if (has_frame(frame)) {
    sp += (exc_return & 0x10 ? 32 : 104) + (frame[7] >> 9 & 1 ? 4 : 0);
    for (uint32_t i = 0; i < 13; i++) named(names[i], i < 4 ? frame[i] : i < 12 ? blr_saved[i - 4] : frame[4]);
    named("lr", frame[5]);
    named("pc", frame[6]);
    named("xpsr", frame[7]);
  } else {
    for (uint32_t i = 4; i < 12; i++) named(names[i], blr_saved[i - 4]);
  }
  named("sp", sp);
  blr_end_line();
  return sp;
}

/* From `sp` on, or from the stack's end if it has overflowed: what is there tells who called. */
static void stack(uint32_t sp, int is_stored) {
  uint32_t limit = (uint32_t)(uintptr_t)__stack_limit, from = sp < limit ? limit : sp;
  uint32_t until = is_stored || limit != 0 ? from + STACK_MOST : 0;
  for (; from < until && from < blr_state.stack_top; from += STACK_LINE) {
    blr_line('K');
    blr_word(from);
    blr_put(' ');
    for (uint32_t i = from; i < from + STACK_LINE && i < blr_state.stack_top; i++) {
      blr_put_byte(*(const uint8_t *)(uintptr_t)i);
    }
    blr_end_line();
  }
}

void blr_fault(const uint32_t *frame, uint32_t exc_return); /* of the code below */

/* `frame`: where the core has stored registers. */
__attribute__((used, noinline)) void blr_fault(const uint32_t *frame, uint32_t exc_return) {
  uint32_t number_of_exception;
  if (blr_state.ring == NULL) blr_after_fault();
  __asm volatile("mrs %0, ipsr" : "=r"(number_of_exception));
  blr_header("fault");
  blr_line('F');
  blr_word(number_of_exception & 0x1ff);
  blr_word(REGISTER(0xE000ED28));
  blr_word(REGISTER(0xE000ED2C));
  blr_word(REGISTER(0xE000ED34));
  blr_word(REGISTER(0xE000ED38));
  blr_end_line();
  stack(registers(frame, exc_return), has_frame(frame));
  blr_records();
  blr_after_fault();
}

__attribute__((naked)) void blr_fault_handler(void) {
  __asm volatile(
      "tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n mov r1, lr\n"
      "ldr r2, =blr_saved\n stmia r2, {r4-r11}\n ldr r2, =blr_stack + 512\n mov sp, r2\n b blr_fault\n .ltorg\n");
}
#endif
