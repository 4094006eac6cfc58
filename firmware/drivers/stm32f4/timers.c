/* TIM2 and TIM5 pace reads, TIM3 ends waits that take too long; all count us. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/pace.h"
#include "drivers/stm32f4/chip.h"

#define TIM3(offset) REG(0x40000400u + (offset))
enum { CR1 = 0x00, DIER = 0x0c, SR = 0x10, EGR = 0x14, PSC = 0x28, ARR = 0x2c };
enum { CEN = 1, URS = 4, OPM = 8 }; /* CR1 */
enum { LONGEST = 0xffff };          /* us: TIM3 has 16 bits */

static const struct {
  uint32_t base, enable, irq;
} timers[PACERS] = {{0x40000000u, ENABLE_TIM2, IRQ_TIM2}, {0x40000c00u, ENABLE_TIM5, IRQ_TIM5}};
#define PACER(which, offset) REG(timers[which].base + (offset))
pacer_t pacers[PACERS];

void pacer_start(pacer_name_t which, uint32_t rate_mhz) {
  RCC(RCC_APB1ENR) |= timers[which].enable;
  (void)RCC(RCC_APB1ENR);
  PACER(which, CR1) = URS;
  pacer_set(&pacers[which], rate_mhz);
  PACER(which, PSC) = APB1_TIMERS_MHZ - 1;
  PACER(which, ARR) = pacer_period(&pacers[which]) - 1;
  PACER(which, EGR) = 1; /* the prescaler holds from now on */
  PACER(which, SR) = 0;
  PACER(which, DIER) = 1;
  irq_enable(timers[which].irq);
  PACER(which, CR1) = URS | CEN;
}

void pacer_interrupt(pacer_name_t which) {
  PACER(which, SR) = 0;
  PACER(which, ARR) = pacer_period(&pacers[which]) - 1; /* of the period that has just begun: the counter went on by itself */
  pacers[which].ticks++;
  (void)PACER(which, SR); /* read back: the flag is gone before the interrupt is over */
}

void pace_start(uint32_t rate_mhz) { pacer_start(PACER_POLL, rate_mhz); }
void pace_wait(void) { pacer_wait(&pacers[PACER_POLL]); }
uint32_t pace_lost(void) { return pacer_lost(&pacers[PACER_POLL]); }

void alarm_start(uint32_t us) {
  RCC(RCC_APB1ENR) |= ENABLE_TIM3;
  (void)RCC(RCC_APB1ENR);
  TIM3(CR1) = URS | OPM;
  TIM3(PSC) = APB1_TIMERS_MHZ - 1;
  TIM3(ARR) = us < LONGEST ? us : LONGEST;
  TIM3(EGR) = 1;
  TIM3(SR) = 0;
  TIM3(DIER) = 1;
  irq_enable(IRQ_TIM3);
  TIM3(CR1) = URS | OPM | CEN;
}

void alarm_stop(void) { TIM3(CR1) = 0; }

void tim3_interrupt(void) {
  TIM3(SR) = 0;
  TIM3(CR1) = 0;
  alarm_over = TIM3(CR1) + 1; /* read back: the flag is gone before the interrupt is over */
}
