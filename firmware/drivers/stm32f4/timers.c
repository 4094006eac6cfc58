/* TIM2 and TIM5 pace reads, TIM3 ends waits that take too long; all count us. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/pace.h"
#include "drivers/stm32f4/chip.h"

#define TIM3(offset) REG(0x40000400u + (offset))
#define PACER(which, offset) REG(((which) == PACER_POLL ? 0x40000000u : 0x40000c00u) + (offset))
enum { CR1 = 0x00, DIER = 0x0c, SR = 0x10, EGR = 0x14, PSC = 0x28, ARR = 0x2c };
enum { CEN = 1, URS = 4, OPM = 8 }; /* CR1 */
enum { LONGEST = 0xffff };          /* us: TIM3 has 16 bits */

static const uint32_t billion = 1000000000u;
static struct {
  uint32_t rate, rest; /* mHz; what is left of a period that is no whole number of us, in 1 / rate us */
  volatile uint32_t ticks;
} pacers[PACERS];
static volatile uint32_t over;

static uint32_t next_period(pacer_t which) {
  const uint32_t rate = pacers[which].rate, whole = (billion + pacers[which].rest) / rate;
  pacers[which].rest = (billion + pacers[which].rest) % rate;
  return whole;
}

void pacer_start(pacer_t which, uint32_t rate_mhz) {
  pacers[which].rate = rate_mhz;
  pacers[which].rest = pacers[which].ticks = 0;
  RCC(RCC_APB1ENR) |= which == PACER_POLL ? ENABLE_TIM2 : ENABLE_TIM5;
  (void)RCC(RCC_APB1ENR);
  PACER(which, CR1) = URS;
  PACER(which, PSC) = APB1_TIMERS_MHZ - 1;
  PACER(which, ARR) = next_period(which) - 1;
  PACER(which, EGR) = 1; /* the prescaler holds from now on */
  PACER(which, SR) = 0;
  PACER(which, DIER) = 1;
  irq_enable(which == PACER_POLL ? IRQ_TIM2 : IRQ_TIM5);
  PACER(which, CR1) = URS | CEN;
}

void pacer_interrupt(pacer_t which) {
  PACER(which, SR) = 0;
  PACER(which, ARR) = next_period(which) - 1; /* of the period that has just begun: the counter went on by itself */
  pacers[which].ticks++;
  (void)PACER(which, SR); /* read back: the flag is gone before the interrupt is over */
}

uint32_t pacer_wait(pacer_t which) {
  interrupts_off();
  while (pacers[which].ticks == 0) {
    sleep();
    interrupts_on();
    interrupts_off();
  }
  const uint32_t count = pacers[which].ticks;
  pacers[which].ticks = 0;
  interrupts_on();
  return count;
}

uint32_t pacer_missed(pacer_t which) {
  interrupts_off();
  const uint32_t count = pacers[which].ticks > 1 ? pacers[which].ticks - 1 : 0;
  pacers[which].ticks -= count;
  interrupts_on();
  return count;
}

void pace_start(uint32_t rate_mhz) { pacer_start(PACER_POLL, rate_mhz); }
uint32_t pace_wait(void) { return pacer_wait(PACER_POLL); }
uint32_t pace_missed(void) { return pacer_missed(PACER_POLL); }

void tim3_interrupt(void) {
  TIM3(SR) = 0;
  TIM3(CR1) = 0;
  over = TIM3(CR1) + 1; /* read back: the flag is gone before the interrupt is over */
}

int pace_sleep(int (*quiet)(void), uint32_t most_us) {
  over = 0;
  RCC(RCC_APB1ENR) |= ENABLE_TIM3;
  (void)RCC(RCC_APB1ENR);
  TIM3(CR1) = URS | OPM;
  TIM3(PSC) = APB1_TIMERS_MHZ - 1;
  TIM3(ARR) = most_us < LONGEST ? most_us : LONGEST;
  TIM3(EGR) = 1;
  TIM3(SR) = 0;
  TIM3(DIER) = 1;
  irq_enable(IRQ_TIM3);
  TIM3(CR1) = URS | OPM | CEN;
  interrupts_off();
  while (quiet() && !over) {
    sleep();
    interrupts_on();
    interrupts_off();
  }
  interrupts_on();
  TIM3(CR1) = 0;
  return !quiet();
}
