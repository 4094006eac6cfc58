/* Work of many kinds up to marker(): what is counted here is counted by other means too. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

volatile uint32_t ticks, sink;
static uint32_t words[64];
static uint64_t longs[16];

KEEP void marker(void) { __asm volatile("nop"); }
KEEP void SysTick_Handler(void) {
  ticks++;
  sink += REG(0xE000E018);
}
KEEP uint32_t branches(uint32_t x) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < 200; i++) {
    switch (x & 7) {
      case 0: n += 3; break;
      case 1: n ^= x; break;
      case 2: n -= i; break;
      case 3: n *= 5; break;
      case 4: n += ticks; break;
      default: n++;
    }
    x = x * 1664525u + 1013904223u;
    if (x & 0x100) n = ~n;
  }
  return n;
}
KEEP uint32_t depth(uint32_t n) { return n < 2 ? n : depth(n - 1) + depth(n - 2); }
KEEP void moves(void) {
  for (int i = 0; i < 64; i++) words[i] = words[(i + 7) & 63] / (uint32_t)(i + 1) + (uint32_t)i;
  for (int i = 0; i < 16; i++) longs[i] = longs[(i + 3) & 15] * 7u + words[i];
  __asm volatile("ldmia %0, {r2-r5}\n stmia %0, {r2-r5}" ::"r"(words) : "r2", "r3", "r4", "r5", "memory");
}
KEEP void devices(void) { /* device accesses first, amid and last in their blocks */
  for (int i = 0; i < 5; i++) {
    while (REG(UART + 4) & 1) {
    }
    REG(UART) = 'a' + (uint32_t)i;
    sink += REG(UART + 16);
    if (REG(UART + 8) & 2) sink++;
  }
}
int main(void) {
  if (bare_case) {
    REG(0xE000E014) = 997;
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 7;
  }
  for (uint32_t i = 0; i < 6; i++) {
    sink += branches(i * 77u) + depth(9);
    moves();
    devices();
  }
  marker();
  REG(0xE000ED0C) = 0x05FA0004; /* ends QEMU where that is asked to end at a reset */
  for (;;) __asm volatile("nop");
}
