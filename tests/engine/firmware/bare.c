/* Reset to main for the twins of all cores. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

extern uint32_t __stack_limit[], __stack_top[], __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

__attribute__((section(".noinit"))) volatile uint32_t bare_case, bare_value;

void Reset_Handler(void);
void boardless_main_returned(void);

#define ENDLESS(name) \
  __attribute__((naked, used, weak)) void name(void) { __asm volatile("b ."); }
ENDLESS(NMI_Handler)
ENDLESS(HardFault_Handler)
ENDLESS(MemManage_Handler)
ENDLESS(BusFault_Handler)
ENDLESS(UsageFault_Handler)
ENDLESS(SecureFault_Handler)
ENDLESS(SVC_Handler)
ENDLESS(PendSV_Handler)
ENDLESS(SysTick_Handler)

typedef void (*handler_t)(void);
__attribute__((section(".vectors"), used, aligned(512))) const handler_t bare_vectors[16] = {
    (handler_t)__stack_top, Reset_Handler,      NMI_Handler,   HardFault_Handler, MemManage_Handler, BusFault_Handler,
    UsageFault_Handler,     SecureFault_Handler, 0,             0,                 0,                 SVC_Handler,
    0,                      0,                  PendSV_Handler, SysTick_Handler};
/* Used where the core does not look for the table at the image's start. */
__attribute__((section(".boot_vectors"), used)) const handler_t boot_vectors[2] = {(handler_t)__stack_top,
                                                                                   Reset_Handler};

KEEP void boardless_main_returned(void) {
  for (;;) __asm volatile("nop");
}

KEEP void boardless_console_putc(char c) { REG(UART) = (uint8_t)c; }

void say(const char *text) {
  while (*text) boardless_console_putc(*text++);
}

void Reset_Handler(void) {
  uint32_t *from = __data_load;
  REG(0xE000ED08) = (uint32_t)(uintptr_t)bare_vectors;
#ifdef __ARM_ARCH_8M_MAIN__
#define HAS_LIMIT
#endif
#ifdef __ARM_ARCH_8_1M_MAIN__
#define HAS_LIMIT
#endif
#ifdef HAS_LIMIT
  if (bare_value == 0x11111111) __asm volatile("msr msplim, %0" ::"r"(__stack_limit));
#endif
  REG(0xE000ED24) |= 7u << 16; /* BusFault, MemManage, UsageFault have handlers of their own */
#ifdef __ARM_FP
  REG(0xE000ED88) |= 0xFu << 20;
#endif
  for (uint32_t *to = __data_start; to < __data_end;) *to++ = *from++;
  for (uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
  REG(UART + 16) = 16;
  REG(UART + 8) = 1;
  (void)main();
  boardless_main_returned();
}
