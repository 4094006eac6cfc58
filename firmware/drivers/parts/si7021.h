/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_SI7021_H
#define BOARDLESS_SI7021_H

#include "drivers/bus.h"

/* Temperature in hundredths of a degree, int16, at any rate up to 50 Hz, one sample a read. */
extern const bus_driver_t si7021_driver;

#endif
