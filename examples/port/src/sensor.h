/* The product's view of its motion sensor. SPDX-License-Identifier: Apache-2.0 */
#ifndef SENSOR_H
#define SENSOR_H
#include <stdint.h>

typedef struct {
  int16_t acceleration[3]; /* 0.244 mg a code, at the range of 8 g */
  int16_t rate[3];
} sample_t;

/* 0: ready. Otherwise there is no sensor. */
int sensor_init(void);
/* Waits for `count` samples of 119 Hz. 0: they are in `samples`. */
int sensor_read(sample_t *samples, uint32_t count);
#endif
