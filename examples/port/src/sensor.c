/* The seam between product and virtual board: the port is asked first; where nobody answers, the driver works.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sensor.h"

#include "boardless_port.h"

static bl_sensor_t imu;
static int is_virtual;

/* The product's driver, by SPI, would be in a file of its own. */
static int driver_init(void) { return -1; }
static int driver_read(sample_t *samples, uint32_t count) {
  (void)samples, (void)count;
  return -1;
}

int sensor_init(void) {
  int status = bl_sensor_open(&imu, "imu", 119000, 8, 2000); /* mHz, g, degree/s */
  if (status == BL_NO_HOST) return driver_init();
  is_virtual = 1;
  return status;
}

int sensor_read(sample_t *samples, uint32_t count) {
  if (!is_virtual) return driver_read(samples, count);
  return bl_sensor_read(&imu, samples, count, 0);
}
