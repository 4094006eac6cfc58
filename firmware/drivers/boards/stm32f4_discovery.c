/* STM32F4DISCOVERY: a Si7021 wired to the bus of its audio codec, I2C1 on PB6 and PB9, and the
 * amplifier of a shunt to PA1. Pins:
 * zephyrproject-rtos/zephyr@07aa00b9cbb485b02da213d004334cea7f5a0411,
 * boards/st/stm32f4_disco/stm32f4_disco.dts. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/parts/si7021.h"
#include "drivers/stm32f4/adc.h"

const bus_driver_t *const boardless_drivers[] = {&si7021_driver, &adc_driver};
const uint32_t boardless_driver_count = sizeof boardless_drivers / sizeof *boardless_drivers;
