/* Hardware timers: one that says when a part is to be read, one that ends waits that take too long. What they are is each
 * chip's own (timers.c), what comes of their ticks is the same (pace.c). SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_PACE_H
#define BOARDLESS_PACE_H

#include <stdint.h>

/* ---- for drivers of parts, on the chip's timer for parts on a bus ---- */

/* Ticks from now on, the first one period from now. */
void pace_start(uint32_t rate_mhz);
/* Sleeps until there is a tick that nobody has waited for. Those before it that nobody came for are lost. */
void pace_wait(void);
/* Ticks lost since the last call: with those that wait now, but the newest, which is the next one of `pace_wait`. */
uint32_t pace_lost(void);
/* Sleeps while all is quiet, at most so many us. False: that long it was. */
int pace_sleep(int (*quiet)(void), uint32_t most_us);

/* ---- for the chip's timers ---- */

typedef struct {
  uint32_t rate, rest; /* mHz; what is left of a period that is no whole number of us, in 1 / rate us */
  volatile uint32_t ticks;
  uint32_t lost;
} pacer_t;

/* No tick so far. */
void pacer_set(pacer_t *pacer, uint32_t rate_mhz);
/* The next period in us. */
uint32_t pacer_period(pacer_t *pacer);
/* As `pace_wait` and `pace_lost`. */
void pacer_wait(pacer_t *pacer);
uint32_t pacer_lost(pacer_t *pacer);

/* The chip's: a timer that comes once, in so many us (or as late as it can), and sets `alarm_over`. */
void alarm_start(uint32_t us);
void alarm_stop(void);
extern volatile uint32_t alarm_over;

#endif
