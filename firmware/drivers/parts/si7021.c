/* Si7021, its thermometer, on I2C: measures when it is asked to, on a timer of our own. Commands and formula: Silicon Labs
 * Si7021-A20. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/parts/si7021.h"

#include <stddef.h>

#include "drivers/i2c.h"
#include "drivers/pace.h"

enum { ADDRESS = 0x40 };
enum { MEASURE = 0xe3 /* holds the clock until it has, 11 ms at most */, WRITE_USER = 0xe6 };
enum { FASTEST_MHZ = 50000 };
enum { TRIES = 8, APART_US = 10000 }; /* after power-on it answers within 80 ms */

static int asleep(void) { return 1; }

static int start(uint32_t rate_mhz, uint32_t range, uint32_t range2) {
  (void)range2;
  if (rate_mhz == 0 || rate_mhz > FASTEST_MHZ || (range != 0 && range != 125)) return BUS_UNFIT;
  i2c_start();
  int status = BUS_NO_ANSWER;
  for (uint32_t i = 0; i < TRIES && status == BUS_NO_ANSWER; i++) {
    if (i > 0) (void)pace_sleep(asleep, APART_US);
    status = i2c_write(ADDRESS, WRITE_USER, 0x3a); /* 14 bits, heater off: as after power-on */
  }
  if (status == BL_OK) pace_start(rate_mhz);
  return status;
}

static int take(void *to, uint32_t samples) {
  uint8_t raw[2];
  int16_t *out = to;
  if (samples != 1) return BUS_UNFIT; /* it keeps one value */
  pace_wait();
  const int status = i2c_read(ADDRESS, MEASURE, raw, sizeof raw);
  if (status != BL_OK) return status;
  /* 175.72 raw / 65536 - 46.85 degrees C, to the nearest hundredth. */
  *out = (int16_t)((int32_t)((17572u * ((uint32_t)raw[0] << 8 | raw[1]) + 32768u) >> 16) - 4685);
  return BL_OK;
}

const bus_driver_t si7021_driver = {"temperature", 1, 2, start, take, NULL, pace_lost};
