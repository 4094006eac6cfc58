/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_STM32F4_ADC_H
#define BOARDLESS_STM32F4_ADC_H

#include "drivers/bus.h"

/* A current by its amplifier on PA1, int16 around the middle of the ADC's 12 bits, at any rate up to 1 kHz. */
extern const bus_driver_t adc_driver;

#endif
