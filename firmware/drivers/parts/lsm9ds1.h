/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_LSM9DS1_H
#define BOARDLESS_LSM9DS1_H

#include "drivers/bus.h"

/* Samples of ax ay az gx gy gz, int16, at any rate up to 952 Hz. */
extern const bus_driver_t lsm9ds1_driver;

#endif
