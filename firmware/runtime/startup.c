/* From reset to main: vector table, memory, FPU, constructors. SPDX-License-Identifier: Apache-2.0
 *
 * Every exception has an endless loop of its own: an engine stops at its symbol, a debugger shows its name. An app
 * that has a handler of its own defines a function of that name. */
#include <stdint.h>

#include "console.h"
#include "recorder.h"

extern uint32_t __stack_limit[], __stack_top[];
extern uint32_t __data_start[], __data_end[], __data_load[];
extern uint32_t __bss_start[], __bss_end[];
typedef void (*function_t)(void);
extern function_t __init_array_start[], __init_array_end[];

int main(void);
void Reset_Handler(void);
void boardless_main_returned(void);

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define VTOR REGISTER(0xE000ED08)
#define CCR REGISTER(0xE000ED14)
#define SHCSR REGISTER(0xE000ED24)
#define CPACR REGISTER(0xE000ED88)

#define ENDLESS(name) \
  __attribute__((naked, used, weak)) void name(void) { __asm volatile("b ."); }

#ifdef BOARDLESS_RECORDER /* a fault is one of its triggers */
#define FAULT(name) \
  __attribute__((naked, used, weak)) void name(void) { __asm volatile("b.w blr_fault_handler"); }
#else
#define FAULT(name) ENDLESS(name)
#endif

ENDLESS(NMI_Handler)
FAULT(HardFault_Handler)
FAULT(MemManage_Handler)
FAULT(BusFault_Handler)
FAULT(UsageFault_Handler)
FAULT(SecureFault_Handler)
ENDLESS(SVC_Handler)
ENDLESS(DebugMon_Handler)
ENDLESS(Default_Handler)

/* One address for all interrupts: an image that takes none is seen to take none. */
__attribute__((weak, alias("Default_Handler"))) void PendSV_Handler(void);
__attribute__((weak, alias("Default_Handler"))) void SysTick_Handler(void);

#define IRQ8 \
  Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, \
      Default_Handler, Default_Handler

typedef union {
  function_t handler;
  uint32_t *address;
} vector_t;

#define V(name) \
  { .handler = name }

__attribute__((section(".vectors"), used, aligned(512))) static const struct {
  vector_t stack;
  vector_t exceptions[15];
  function_t interrupts[112];
} vectors = {
    {.address = __stack_top},
    {V(Reset_Handler), V(NMI_Handler), V(HardFault_Handler), V(MemManage_Handler), V(BusFault_Handler),
     V(UsageFault_Handler), V(SecureFault_Handler), V(0), V(0), V(0), V(SVC_Handler), V(DebugMon_Handler), V(0),
     V(PendSV_Handler), V(SysTick_Handler)},
    {IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8, IRQ8},
};

/* Its own function, so that no floating-point register is touched before the FPU is on. */
__attribute__((noinline)) static void start(void) {
  const uint32_t *from = __data_load;
  for (uint32_t *to = __data_start; to < __data_end;) *to++ = *from++;
  for (uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
  boardless_console_init();
#ifdef BOARDLESS_RECORDER
  boardless_recorder_start();
#endif
  for (function_t *f = __init_array_start; f < __init_array_end; f++) (*f)();
  (void)main();
  boardless_main_returned();
}

void Reset_Handler(void) {
  VTOR = (uint32_t)&vectors;
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
  __asm volatile("msr msplim, %0" ::"r"(__stack_limit));
#endif
  SHCSR |= 15u << 16; /* MemManage, BusFault, UsageFault (and SecureFault, v8-M): handlers of their own */
  CCR |= 1u << 4;                          /* division by zero is a fault */
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  CPACR |= 0xFu << 20;
#endif
  __asm volatile("dsb\n isb" ::: "memory");
  start();
}

/* All from the start, as after a reset: an empty stack, and start() sets up memory. */
__attribute__((naked, used)) void boardless_restart(void) {
  __asm volatile("ldr r0, =__stack_top\n msr msp, r0\n b Reset_Handler");
}

/* An app's main runs for ever or calls finish(); an engine stops here and says so. */
__attribute__((noinline, used)) void boardless_main_returned(void) {
  for (;;) __asm volatile("nop");
}

/* newlib 4 (Debian 13) ends a program through these; crti.o, which has them, is not linked. */
void _init(void) {}
void _fini(void) {}
