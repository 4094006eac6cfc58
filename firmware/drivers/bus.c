/* Finds the driver of a slot, and tells a virtual board what the driver is at, so that its models have the samples that the
 * test plays. On a product nobody listens. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bus.h"

#include <string.h>

enum { MOST = 4 };

static struct {
  const bus_driver_t *driver;
  uint32_t handle; /* the host's */
  uint64_t taken;  /* index of the next sample */
} sensors[MOST];

int boardless_bus_open(bl_sensor_t *sensor, const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2) {
  for (uint32_t i = 0; i < boardless_driver_count && i < MOST; i++) {
    const bus_driver_t *driver = boardless_drivers[i];
    if (strcmp(driver->slot, name) != 0) continue;
    const int told = bl_bus_open(name, rate_mhz, range, range2, &sensors[i].handle);
    if (told != BL_OK && told != BL_NO_HOST) return told;
    const int status = driver->open(rate_mhz, range, range2);
    if (status != BL_OK) return status;
    sensors[i].driver = driver;
    sensors[i].taken = 0;
    sensor->handle = i;
    sensor->channels = driver->channels;
    sensor->bytes_per_sample = driver->bytes_per_sample;
    sensor->rate_mhz = rate_mhz;
    return BL_OK;
  }
  return BUS_NO_DRIVER;
}

int boardless_bus_buffer(const bl_sensor_t *sensor, void *room, uint32_t bytes) {
  const bus_driver_t *driver = sensors[sensor->handle].driver;
  return driver->buffer != NULL ? driver->buffer(room, bytes) : BUS_UNFIT;
}

int boardless_bus_read(const bl_sensor_t *sensor, void *to, uint32_t samples, bl_read_t *read) {
  const bus_driver_t *driver = sensors[sensor->handle].driver;
  const uint32_t lost = driver->lost();
  const int told = bl_bus_take(sensors[sensor->handle].handle, samples, lost);
  if (told != BL_OK && told != BL_NO_HOST) return told;
  const int status = driver->take(to, samples);
  if (status != BL_OK) return status;
  read->count = samples;
  read->lost = lost;
  read->first_index = sensors[sensor->handle].taken + lost;
  sensors[sensor->handle].taken = read->first_index + samples;
  return BL_OK;
}

const char *boardless_bus_error(int status) {
  switch (status) {
    case BUS_NO_ANSWER:
      return "no answer on the bus (NACK)";
    case BUS_STUCK:
      return "the bus is stuck";
    case BUS_OTHER_PART:
      return "another part answers there";
    case BUS_UNFIT:
      return "its driver has no such rate, range or buffer";
    case BUS_NO_DRIVER:
      return "this board has no driver for it";
    default:
      return "refused";
  }
}
