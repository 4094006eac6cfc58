/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_NRF52840_PDM_H
#define BOARDLESS_NRF52840_PDM_H

#include "drivers/bus.h"

/* Mono sound at 16 kHz (16.125 kHz by its clock), int16. */
extern const bus_driver_t pdm_driver;

#endif
