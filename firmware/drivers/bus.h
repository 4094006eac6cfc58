/* Sensors over the board's own bus: what `bl_sensor_...` of the port is to a port build. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_BUS_H
#define BOARDLESS_BUS_H

#include <stdint.h>

#include "boardless_port.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  BUS_NO_ANSWER = -10,  /* nothing answers at the part's address */
  BUS_STUCK = -11,      /* the bus controller, or the line, does nothing */
  BUS_OTHER_PART = -12, /* something answers, but it is another part */
  BUS_UNFIT = -13,      /* the driver has no such rate, range or buffer */
  BUS_NO_DRIVER = -14   /* this board has no driver for the slot */
};

/* One sensor of the board. Each call returns BL_OK or one of the above. */
typedef struct {
  const char *slot;
  uint32_t channels, bytes_per_sample;
  /* Switches the part on; ranges as bl_sensor_open has them. */
  int (*open)(uint32_t rate_mhz, uint32_t range, uint32_t range2);
  /* Waits for samples and writes them, as the part delivers them. */
  int (*take)(void *to, uint32_t samples);
  /* Gives the driver room for samples that wait; NULL: they wait in the part. */
  int (*buffer)(void *room, uint32_t bytes);
  /* Samples lost since the last call, all that lie before what the next take begins with: those that were lost in
   * between the samples of one take come with the call after it. */
  uint32_t (*lost)(void);
} bus_driver_t;

/* The drivers of the board (boards/<board>.c), and how many. */
extern const bus_driver_t *const boardless_drivers[];
extern const uint32_t boardless_driver_count;

int boardless_bus_open(bl_sensor_t *sensor, const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2);
int boardless_bus_buffer(const bl_sensor_t *sensor, void *room, uint32_t bytes);
int boardless_bus_read(const bl_sensor_t *sensor, void *to, uint32_t samples, bl_read_t *read);
/* In words. */
const char *boardless_bus_error(int status);

#ifdef __cplusplus
}
#endif
#endif
