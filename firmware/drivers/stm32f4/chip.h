/* What the drivers of the STM32F4 share. Registers: ST RM0090 (STM32F405 to F439). SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_STM32F4_H
#define BOARDLESS_STM32F4_H

#include "drivers/cortex_m.h"
#include "drivers/pace.h"

#define RCC(offset) REG(0x40023800u + (offset))
enum { RCC_CR = 0x00, RCC_PLLCFGR = 0x04, RCC_CFGR = 0x08, RCC_AHB1ENR = 0x30, RCC_APB1ENR = 0x40, RCC_APB2ENR = 0x44 };
enum { ENABLE_TIM2 = 1 << 0, ENABLE_TIM3 = 1 << 1, ENABLE_TIM5 = 1 << 3 }; /* APB1ENR */
enum { ENABLE_USART2 = 1 << 17, ENABLE_I2C1 = 1 << 21 };                   /* APB1ENR */
enum { ENABLE_ADC1 = 1 << 8 };                                             /* APB2ENR */
enum { APB1_MHZ = 42, APB1_TIMERS_MHZ = 84 };

enum { IRQ_ADC = 18, IRQ_TIM2 = 28, IRQ_TIM3 = 29, IRQ_I2C1_EVENT = 31, IRQ_I2C1_ERROR = 32, IRQ_TIM5 = 50 };

/* 168 MHz from a crystal of 8 MHz; APB1 at a quarter of it. */
void clock_start(void);

/* Pin `pin` of port `port` (0 is A) is function `function` of a peripheral. */
static inline void pin_function(uint32_t port, uint32_t pin, uint32_t function, int open_drain) {
  const uint32_t base = 0x40020000u + port * 0x400u, half = base + 0x20u + pin / 8 * 4u;
  RCC(RCC_AHB1ENR) |= 1u << port;
  (void)RCC(RCC_AHB1ENR); /* read back: the clock is there */
  REG(half) = (REG(half) & ~(15u << pin % 8 * 4)) | function << pin % 8 * 4;
  REG(base + 0x04u) = (REG(base + 0x04u) & ~(1u << pin)) | (uint32_t)(open_drain != 0) << pin;
  REG(base) = (REG(base) & ~(3u << pin * 2)) | 2u << pin * 2;
}

/* No digital input at that pin. */
static inline void pin_analogue(uint32_t port, uint32_t pin) {
  RCC(RCC_AHB1ENR) |= 1u << port;
  (void)RCC(RCC_AHB1ENR);
  REG(0x40020000u + port * 0x400u) |= 3u << pin * 2;
}

/* Timers as in drivers/pace.h: that of parts that are polled on a bus, and the ADC's. */
typedef enum { PACER_POLL, PACER_ADC, PACERS } pacer_name_t;
extern pacer_t pacers[PACERS];
void pacer_start(pacer_name_t which, uint32_t rate_mhz);

void pacer_interrupt(pacer_name_t which);
void tim3_interrupt(void);

#endif
