/* A hardware timer that says when a part is to be read; each chip has its own. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_PACE_H
#define BOARDLESS_PACE_H

#include <stdint.h>

/* Ticks from now on, the first one period from now. */
void pace_start(uint32_t rate_mhz);
/* Sleeps until there is a tick that nobody has waited for; returns how many there are. */
uint32_t pace_wait(void);
/* Ticks that nobody came for: all that wait but the newest, which is the next one of `pace_wait`. */
uint32_t pace_missed(void);
/* Sleeps while all is quiet, at most so many us. False: that long it was. */
int pace_sleep(int (*quiet)(void), uint32_t most_us);

#endif
