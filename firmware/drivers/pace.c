/* Waiting for ticks, counting those that nobody came for, waiting with a limit. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/pace.h"

#include "drivers/cortex_m.h"

static const uint32_t billion = 1000000000u;
volatile uint32_t alarm_over;

void pacer_set(pacer_t *pacer, uint32_t rate_mhz) {
  pacer->rate = rate_mhz;
  pacer->rest = pacer->ticks = pacer->lost = 0;
}

uint32_t pacer_period(pacer_t *pacer) {
  const uint32_t whole = (billion + pacer->rest) / pacer->rate;
  pacer->rest = (billion + pacer->rest) % pacer->rate;
  return whole;
}

void pacer_wait(pacer_t *pacer) {
  interrupts_off();
  while (pacer->ticks == 0) sleep();
  pacer->lost += pacer->ticks - 1;
  pacer->ticks = 0;
  interrupts_on();
}

uint32_t pacer_lost(pacer_t *pacer) {
  interrupts_off();
  const uint32_t missed = pacer->ticks > 1 ? pacer->ticks - 1 : 0;
  const uint32_t count = pacer->lost + missed;
  pacer->ticks -= missed;
  pacer->lost = 0;
  interrupts_on();
  return count;
}

int pace_sleep(int (*quiet)(void), uint32_t most_us) {
  alarm_over = 0;
  alarm_start(most_us);
  interrupts_off();
  while (quiet() && !alarm_over) sleep();
  interrupts_on();
  alarm_stop();
  return !quiet();
}
