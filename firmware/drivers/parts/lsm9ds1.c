/* LSM9DS1, accelerometer and gyroscope, on I2C: read on a timer of our own, both quantities at one instant. Registers and
 * values: ST LSM9DS1, DocID025715. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/parts/lsm9ds1.h"

#include <stddef.h>

#include "drivers/i2c.h"
#include "drivers/pace.h"

enum { ADDRESS = 0x6b, NAME = 0x68 };
enum { WHO_AM_I = 0x0f, CTRL_REG1_G = 0x10, OUT_X_L_G = 0x18, CTRL_REG6_XL = 0x20, CTRL_REG8 = 0x22, OUT_X_L_XL = 0x28 };

static const uint32_t rates_mhz[] = {14900, 59500, 119000, 238000, 476000, 952000}; /* ODR 1 to 6 */

/* The code of a range in its register; -1: there is none. */
static int coded(const uint16_t (*ranges)[2], uint32_t count, uint32_t wanted) {
  for (uint32_t i = 0; i < count; i++) {
    if (wanted == 0 || ranges[i][0] == wanted) return ranges[i][1];
  }
  return -1;
}

static int start(uint32_t rate_mhz, uint32_t range_g, uint32_t range_dps) {
  static const uint16_t accel[][2] = {{16, 1}, {8, 3}, {4, 2}, {2, 0}}; /* the widest first */
  static const uint16_t gyro[][2] = {{2000, 3}, {500, 1}, {245, 0}};
  const int fs_xl = coded(accel, sizeof accel / sizeof *accel, range_g);
  const int fs_g = coded(gyro, sizeof gyro / sizeof *gyro, range_dps);
  uint8_t odr = 0;
  while (odr < sizeof rates_mhz / sizeof *rates_mhz && rates_mhz[odr] < rate_mhz) odr++;
  if (fs_xl < 0 || fs_g < 0 || rate_mhz == 0 || odr == sizeof rates_mhz / sizeof *rates_mhz) return BUS_UNFIT;
  odr = (uint8_t)((odr + 1) << 5);

  uint8_t name = 0;
  i2c_start();
  int status = i2c_read(ADDRESS, WHO_AM_I, &name, 1);
  if (status == BL_OK && name != NAME) status = BUS_OTHER_PART;
  /* Both bytes of a value of one instant (BDU); the address of the register rises (IF_ADD_INC). */
  if (status == BL_OK) status = i2c_write(ADDRESS, CTRL_REG8, 0x44);
  if (status == BL_OK) status = i2c_write(ADDRESS, CTRL_REG1_G, (uint8_t)(odr | fs_g << 3));
  if (status == BL_OK) status = i2c_write(ADDRESS, CTRL_REG6_XL, (uint8_t)(odr | fs_xl << 3));
  if (status == BL_OK) pace_start(rate_mhz);
  return status;
}

static int take(void *to, uint32_t samples) {
  uint8_t *out = to;
  for (uint32_t i = 0; i < samples; i++, out += 12) {
    pace_wait();
    int status = i2c_read(ADDRESS, OUT_X_L_G, out + 6, 6);
    if (status == BL_OK) status = i2c_read(ADDRESS, OUT_X_L_XL, out, 6);
    if (status != BL_OK) return status;
  }
  return BL_OK;
}

const bus_driver_t lsm9ds1_driver = {"imu", 6, 12, start, take, NULL, pace_lost};
