/* TIMER3 paces reads, TIMER4 ends waits that take too long; both count us. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/nrf52840/chip.h"
#include "drivers/pace.h"

#define TIMER3(offset) REG(0x4001a000u + (offset))
#define TIMER4(offset) REG(0x4001b000u + (offset))
enum { START = 0x000, STOP = 0x004, CLEAR = 0x00c, CAPTURE1 = 0x044, COMPARE0 = 0x140, INTENSET = 0x304, MODE = 0x504,
       BITMODE = 0x508, PRESCALER = 0x510, CC0 = 0x540, CC1 = 0x544 };

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
  TIMER3(STOP) = 1;
  TIMER3(CLEAR) = 1;
  TIMER3(MODE) = 0;
  TIMER3(BITMODE) = 3;   /* 32 bits */
  TIMER3(PRESCALER) = 4; /* of 16 MHz */
  TIMER3(CC0) = next_period();
  TIMER3(COMPARE0) = 0;
  TIMER3(INTENSET) = 1u << 16;
  irq_enable(IRQ_TIMER3);
  TIMER3(START) = 1;
}

void timer3_interrupt(void) {
  TIMER3(COMPARE0) = 0;
  TIMER3(CAPTURE1) = 1;
  TIMER3(CLEAR) = 1;
  uint32_t behind = TIMER3(CC1) - TIMER3(CC0), period = next_period(); /* how late we are is taken off the next period */
  ticks++;
  while (behind >= period) {
    behind -= period;
    period = next_period();
    ticks++;
  }
  TIMER3(CC0) = period - behind;
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

uint32_t pace_missed(void) {
  interrupts_off();
  const uint32_t count = ticks > 1 ? ticks - 1 : 0;
  ticks -= count;
  interrupts_on();
  return count;
}

void timer4_interrupt(void) {
  TIMER4(COMPARE0) = 0;
  TIMER4(STOP) = 1;
  over = TIMER4(COMPARE0) + 1; /* read back: the event is gone before the interrupt is over */
}

int pace_sleep(int (*quiet)(void), uint32_t most_us) {
  over = 0;
  TIMER4(STOP) = 1;
  TIMER4(CLEAR) = 1;
  TIMER4(BITMODE) = 3;
  TIMER4(PRESCALER) = 4;
  TIMER4(CC0) = most_us;
  TIMER4(COMPARE0) = 0;
  TIMER4(INTENSET) = 1u << 16;
  irq_enable(IRQ_TIMER4);
  TIMER4(START) = 1;
  interrupts_off();
  while (quiet() && !over) {
    sleep();
    interrupts_on();
    interrupts_off();
  }
  interrupts_on();
  TIMER4(STOP) = 1;
  return !quiet();
}
