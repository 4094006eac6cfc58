/* Start-up code as a product has it: vector table, .data, .bss, FPU, main. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

extern uint32_t __stack_top[], __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];
#ifdef FAR /* in a memory that no twin has */
__attribute__((section(".far"), used)) uint32_t g_far = 5;
#endif
int main(void);

void Reset_Handler(void);
__attribute__((naked)) void HardFault_Handler(void) { __asm volatile("b ."); }
#ifdef TICKS /* every so many cycles of virtual time */
volatile uint32_t g_ticks;
void SysTick_Handler(void) { g_ticks++; }
#else
#define SysTick_Handler 0
#endif
__attribute__((section(".vectors"), used)) void *const vectors[16] = {__stack_top, Reset_Handler, HardFault_Handler,
                                                                      HardFault_Handler, [15] = SysTick_Handler};

void Reset_Handler(void) {
  uint32_t *from = __data_load, *to = __data_start;
  *(volatile uint32_t *)0xe000ed88 |= 0xf00000;
  __asm volatile("dsb\n isb");
  while (to < __data_end) *to++ = *from++;
  for (to = __bss_start; to < __bss_end;) *to++ = 0;
#ifdef TICKS
  *(volatile uint32_t *)0xe000e014 = TICKS;
  *(volatile uint32_t *)0xe000e010 = 7;
#endif
#ifdef SAYS
  for (const char *p = "ready\n"; *p; p++) *(volatile uint32_t *)0x40011004 = (uint32_t)*p;
#endif
  main();
}
