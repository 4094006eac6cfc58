/* A stack overflow that the firmware's own fault handler tells of, on a stack apart. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static uint32_t apart[64];
volatile uint32_t sink;

KEEP uint32_t deep(uint32_t n) {
  volatile uint32_t room[16];
  room[n % 16] = n;
  return deep(n + 1) + room[3];
}
KEEP void told(void) {
  say(REG(0xE000ED28) & (1u << 12 | 1u << 20) ? "no frame\n" : "a frame\n");
  for (;;) __asm volatile("nop");
}
__attribute__((naked)) void BusFault_Handler(void) {
  __asm volatile("mov sp, %0\n b told" ::"r"(apart + 64));
}

int main(void) {
  REG(0xE000ED24) |= 7u << 16;
  sink = deep(0);
  for (;;) __asm volatile("nop");
}
