/* A UsageFault handler that skips the instruction and goes on. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static volatile uint32_t faults, sink;
volatile int zero;

KEEP void skip(uint32_t *frame) {
  faults++;
  REG(0xE000ED28) = 0xFFFFFFFF;
  frame[6] += 4; /* SDIV and UDIV have four bytes */
}
__attribute__((naked)) void UsageFault_Handler(void) { __asm volatile("mov r0, sp\n b skip"); }

int main(void) {
  REG(0xE000ED14) |= 1u << 4;
  for (int i = 0; i < 3; i++) sink = 7 / zero;
  say(faults == 3 ? "recovered 3\n" : "not recovered\n");
  for (;;) __asm volatile("nop");
}
