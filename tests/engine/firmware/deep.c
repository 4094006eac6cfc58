/* Uses stack and heap in ways that a test asks for. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

enum { RECURSE = 1, ARRAY = 2, EXCEPTION = 3, HEAP = 4, TASK = 5, INTERRUPT = 6, TASK_INTERRUPT = 7 };

extern uint8_t __heap_start[];
uint32_t data[256]; /* below the stack: written all the time */
volatile uint32_t handled;

KEEP uint32_t deeper(uint32_t n) {
  volatile uint32_t here[4] = {n, n, n, n};
  data[n & 255] = n;
  return n == 0 ? here[1] : deeper(n - 1) + here[2];
}

KEEP void filled(uint8_t *to, uint32_t n) {
  for (uint32_t i = n; i > 0; i--) to[i - 1] = (uint8_t)i;
}

KEEP uint32_t array(void) {
  uint8_t here[2048]; /* twice the stack */
  filled(here, sizeof here);
  return here[7];
}

/* Nearly all of the stack, then an exception: its frame is what leaves it. */
KEEP void exception(void) {
  __asm volatile(
      "mov r4, sp\n"
      "ldr r0, =__stack_limit + 16\n"
      "mov sp, r0\n"
      "ldr r0, =0xE000ED04\n"
      "mov r1, #0x10000000\n"
      "str r1, [r0]\n" /* PendSV */
      "dsb\n isb\n nop\n"
      "mov sp, r4\n" ::
          : "r0", "r1", "r4", "memory");
}

/* A task has a stack of its own among the data: nothing of it is an overflow. */
KEEP void task(void) {
  __asm volatile(
      "ldr r0, =data + 512\n"
      "msr psp, r0\n"
      "mov r1, #2\n"
      "msr control, r1\n"
      "isb\n"
      "push {r0, r1}\n pop {r0, r1}\n"
      "ldr r0, =bare_case\n"
      "ldr r0, [r0]\n"
      "cmp r0, #7\n"
      "bne 1f\n"
      "ldr r0, =0xE000ED04\n"
      "mov r1, #0x10000000\n"
      "str r1, [r0]\n"
      "dsb\n isb\n nop\n"
      "1:\n"
      "mov r1, #0\n"
      "msr control, r1\n"
      "isb\n" ::
          : "r0", "r1", "cc", "memory");
}

/* Main some way down its stack, an interrupt there, and main further down afterwards. */
KEEP void interrupted(void) {
  volatile uint32_t here[8];
  here[0] = 1;
  *(volatile uint32_t *)0xE000ED04 = 0x10000000;
  __asm volatile("dsb\n isb\n nop");
  handled += deeper(1) + here[0];
}

void PendSV_Handler(void) {
  handled++;
  if (bare_case >= INTERRUPT) handled += deeper(bare_value);
}

int main(void) {
  switch (bare_case) {
    case RECURSE: handled = deeper(bare_value); break;
    case ARRAY: handled = array(); break;
    case EXCEPTION: exception(); break;
    case HEAP: filled(__heap_start, bare_value); break;
    case TASK:
    case TASK_INTERRUPT: task(); break;
    case INTERRUPT: interrupted(); break;
    default: break;
  }
  say("done\n");
  for (;;) __asm volatile("nop");
}
