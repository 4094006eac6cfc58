/* TIM2 paces reads, TIM5 ends waits that take too long; both count us. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/pace.h"
#include "drivers/stm32f4/chip.h"

#define TIM2(offset) REG(0x40000000u + (offset))
#define TIM5(offset) REG(0x40000c00u + (offset))
enum { CR1 = 0x00, DIER = 0x0c, SR = 0x10, EGR = 0x14, CNT = 0x24, PSC = 0x28, ARR = 0x2c };
enum { CEN = 1, URS = 4, OPM = 8 }; /* CR1 */

static const uint32_t billion = 1000000000u;
static uint32_t rate, rest; /* mHz; what is left of a period that is no whole number of us, in 1 / rate us */
static volatile uint32_t ticks, over;

static uint32_t next_period(void) {
  const uint32_t whole = (billion + rest) / rate;
  rest = (billion + rest) % rate;
  return whole;
}

void pace_start(uint32_t rate_mhz) {
  rate = rate_mhz;
  rest = ticks = 0;
  RCC(RCC_APB1ENR) |= ENABLE_TIM2;
  (void)RCC(RCC_APB1ENR);
  TIM2(CR1) = URS;
  TIM2(PSC) = APB1_TIMERS_MHZ - 1;
  TIM2(ARR) = next_period() - 1;
  TIM2(EGR) = 1; /* the prescaler holds from now on */
  TIM2(SR) = 0;
  TIM2(DIER) = 1;
  irq_enable(IRQ_TIM2);
  TIM2(CR1) = URS | CEN;
}

void tim2_interrupt(void) {
  TIM2(SR) = 0;
  TIM2(ARR) = next_period() - 1; /* of the period that has just begun: the counter went on by itself */
  ticks++;
  (void)TIM2(SR); /* read back: the flag is gone before the interrupt is over */
}

uint32_t pace_wait(void) {
  interrupts_off();
  while (ticks == 0) {
    sleep();
    interrupts_on();
    interrupts_off();
  }
  const uint32_t count = ticks;
  ticks = 0;
  interrupts_on();
  return count;
}

void tim5_interrupt(void) {
  TIM5(SR) = 0;
  TIM5(CR1) = 0;
  over = TIM5(CR1) + 1; /* read back: the flag is gone before the interrupt is over */
}

int pace_sleep(int (*quiet)(void), uint32_t most_us) {
  over = 0;
  RCC(RCC_APB1ENR) |= ENABLE_TIM5;
  (void)RCC(RCC_APB1ENR);
  TIM5(CR1) = URS | OPM;
  TIM5(PSC) = APB1_TIMERS_MHZ - 1;
  TIM5(ARR) = most_us;
  TIM5(EGR) = 1;
  TIM5(SR) = 0;
  TIM5(DIER) = 1;
  irq_enable(IRQ_TIM5);
  TIM5(CR1) = URS | OPM | CEN;
  interrupts_off();
  while (quiet() && !over) {
    sleep();
    interrupts_on();
    interrupts_off();
  }
  interrupts_on();
  TIM5(CR1) = 0;
  return !quiet();
}
