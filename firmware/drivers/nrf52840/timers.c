/* TIMER3 paces reads, TIMER4 ends waits that take too long; both count us. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/nrf52840/chip.h"
#include "drivers/pace.h"

#define TIMER3(offset) REG(0x4001a000u + (offset))
#define TIMER4(offset) REG(0x4001b000u + (offset))
enum { START = 0x000, STOP = 0x004, CLEAR = 0x00c, CAPTURE1 = 0x044, COMPARE0 = 0x140, INTENSET = 0x304, MODE = 0x504,
       BITMODE = 0x508, PRESCALER = 0x510, CC0 = 0x540, CC1 = 0x544 };

static pacer_t pacer;

void pace_start(uint32_t rate_mhz) {
  TIMER3(STOP) = 1;
  pacer_set(&pacer, rate_mhz);
  TIMER3(CLEAR) = 1;
  TIMER3(MODE) = 0;
  TIMER3(BITMODE) = 3;   /* 32 bits */
  TIMER3(PRESCALER) = 4; /* of 16 MHz */
  TIMER3(CC0) = pacer_period(&pacer);
  TIMER3(COMPARE0) = 0;
  TIMER3(INTENSET) = 1u << 16;
  irq_enable(IRQ_TIMER3);
  TIMER3(START) = 1;
}

void pace_wait(void) { pacer_wait(&pacer); }
uint32_t pace_lost(void) { return pacer_lost(&pacer); }

void timer3_interrupt(void) {
  TIMER3(COMPARE0) = 0;
  TIMER3(CAPTURE1) = 1;
  TIMER3(CLEAR) = 1;
  /* How late we are is taken off the next period. */
  uint32_t behind = TIMER3(CC1) - TIMER3(CC0), period = pacer_period(&pacer);
  pacer.ticks++;
  while (behind >= period) {
    behind -= period;
    period = pacer_period(&pacer);
    pacer.ticks++;
  }
  TIMER3(CC0) = period - behind;
}

void alarm_start(uint32_t us) {
  TIMER4(STOP) = 1;
  TIMER4(CLEAR) = 1;
  TIMER4(BITMODE) = 3;
  TIMER4(PRESCALER) = 4;
  TIMER4(CC0) = us;
  TIMER4(COMPARE0) = 0;
  TIMER4(INTENSET) = 1u << 16;
  irq_enable(IRQ_TIMER4);
  TIMER4(START) = 1;
}

void alarm_stop(void) { TIMER4(STOP) = 1; }

void timer4_interrupt(void) {
  TIMER4(COMPARE0) = 0;
  TIMER4(STOP) = 1;
  alarm_over = TIMER4(COMPARE0) + 1; /* read back: the event is gone before the interrupt is over */
}
