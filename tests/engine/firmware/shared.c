/* One handler for every exception, as in many small start-up files. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static volatile uint32_t ticks;

KEEP void Default_Handler(void) { ticks++; }
void SysTick_Handler(void) __attribute__((alias("Default_Handler")));
void HardFault_Handler(void) __attribute__((alias("Default_Handler")));
void UsageFault_Handler(void) __attribute__((alias("Default_Handler")));
void BusFault_Handler(void) __attribute__((alias("Default_Handler")));
void MemManage_Handler(void) __attribute__((alias("Default_Handler")));

int main(void) {
  REG(0xE000E014) = 2000;
  REG(0xE000E018) = 0;
  REG(0xE000E010) = 7;
  while (ticks < 5) __asm volatile("nop");
  say("5 ticks\n");
  if (bare_case == 1) __asm volatile("udf #0");
  while (ticks < 9) __asm volatile("nop");
  say("9 ticks\n");
  for (;;) __asm volatile("nop");
}
