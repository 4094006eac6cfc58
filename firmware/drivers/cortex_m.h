/* What drivers of every Cortex-M need: registers, its interrupt controller, sleep. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_CORTEX_M_H
#define BOARDLESS_CORTEX_M_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

static inline void irq_enable(uint32_t number) { REG(0xe000e100u + (number >> 5) * 4u) = 1u << (number & 31u); }
/* Forgets what was pending before. */
static inline void irq_clear(uint32_t number) { REG(0xe000e280u + (number >> 5) * 4u) = 1u << (number & 31u); }
static inline void irq_disable(uint32_t number) {
  REG(0xe000e180u + (number >> 5) * 4u) = 1u << (number & 31u);
  __asm volatile("dsb\n isb" ::: "memory");
}

static inline void interrupts_off(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void interrupts_on(void) { __asm volatile("cpsie i\n isb" ::: "memory"); }
/* With interrupts off: sleeps until one is pending, and lets it in. They are off again then. */
static inline void sleep(void) {
  __asm volatile("dsb\n isb\n wfi" ::: "memory");
  interrupts_on();
  interrupts_off();
}

#endif
