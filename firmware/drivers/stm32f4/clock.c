/* Clocks of an STM32F405 or F407 with a crystal of 8 MHz; dividers as zephyr's stm32f4_disco.dts has them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "drivers/stm32f4/chip.h"

#define FLASH_ACR REG(0x40023c00u)
enum { HSEON = 1 << 16, HSERDY = 1 << 17, PLLON = 1 << 24, PLLRDY = 1 << 25 };
enum { SW_PLL = 2, SWS = 3 << 2, SWS_PLL = 2 << 2 };
static const uint32_t patience = 1000000; /* looks at a flag: a crystal takes some ms */

static void await(uint32_t offset, uint32_t mask, uint32_t value) {
  for (uint32_t i = 0; i < patience && (RCC(offset) & mask) != value; i++) {
  }
}

void clock_start(void) {
  RCC(RCC_CR) |= HSEON;
  await(RCC_CR, HSERDY, HSERDY);
  RCC(RCC_PLLCFGR) = 8u | 336u << 6 | 0u << 16 | 1u << 22 | 7u << 24; /* 8 MHz / 8 * 336 / 2, from the crystal */
  RCC(RCC_CR) |= PLLON;
  await(RCC_CR, PLLRDY, PLLRDY);
  FLASH_ACR = 5u | 1u << 8 | 1u << 9 | 1u << 10; /* 5 wait states, prefetch, both caches: before the faster clock */
  RCC(RCC_CFGR) = SW_PLL | 5u << 10 | 4u << 13;  /* APB1 a quarter, APB2 half */
  await(RCC_CFGR, SWS, SWS_PLL);
}
