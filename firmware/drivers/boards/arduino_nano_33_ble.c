/* Arduino Nano 33 BLE Sense. Pins: arduino/ArduinoCore-mbed@0bed256cfe748a52eead8b60183a6595db0cf202,
 * variants/ARDUINO_NANO33BLE/variant.cpp. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/nrf52840/chip.h"
#include "drivers/nrf52840/pdm.h"
#include "drivers/parts/lsm9ds1.h"

const board_pins_t board_pins = {.scl = PIN(0, 15), .sda = PIN(0, 14), .pdm_clk = PIN(0, 26), .pdm_din = PIN(0, 25)};

void board_power(void) {
  pin_high(PIN(0, 22)); /* sensors */
  pin_high(PIN(1, 0));  /* pull-ups of their bus */
  pin_high(PIN(0, 17)); /* microphone */
}

const bus_driver_t *const boardless_drivers[] = {&lsm9ds1_driver, &pdm_driver};
const uint32_t boardless_driver_count = sizeof boardless_drivers / sizeof *boardless_drivers;
