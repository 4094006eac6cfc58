/* I2C master of the nRF52840, without DMA (TWI). SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bus.h"
#include "drivers/i2c.h"
#include "drivers/nrf52840/chip.h"

#define TWI(offset) REG(0x40003000u + (offset)) /* TWI0 */
enum { STARTRX = 0x000, STARTTX = 0x008, STOP = 0x014, RESUME = 0x020, STOPPED = 0x104, RXDREADY = 0x108, TXDSENT = 0x11c,
       ERROR = 0x124, SHORTS = 0x200, ERRORSRC = 0x4c4, ENABLE = 0x500, PSEL_SCL = 0x508, PSEL_SDA = 0x50c, RXD = 0x518,
       TXD = 0x51c, FREQUENCY = 0x524, ADDRESS = 0x588 };
enum { BB_SUSPEND = 1, BB_STOP = 2 };
static const uint32_t patience = 20000; /* looks at an event: some ms, a byte takes 23 us */

void i2c_start(void) {
  board_power();
  PIN_CNF(board_pins.scl) = PIN_CNF(board_pins.sda) = 0x600; /* input, open drain */
  TWI(ENABLE) = 0;
  TWI(PSEL_SCL) = board_pins.scl;
  TWI(PSEL_SDA) = board_pins.sda;
  TWI(FREQUENCY) = 0x06680000; /* 400 kHz */
  TWI(ENABLE) = 5;
}

/* Waits for an event; then it is over. */
static int await(uint32_t event) {
  for (uint32_t i = 0; i < patience; i++) {
    if (TWI(event)) {
      TWI(event) = 0;
      return BL_OK;
    }
    if (TWI(ERROR)) return BUS_NO_ANSWER;
  }
  return BUS_STUCK;
}

/* The end of a transfer that went wrong: the bus is free again, if it can be. */
static int given_up(int status) {
  if (status == BUS_NO_ANSWER) {
    TWI(ERROR) = 0;
    TWI(ERRORSRC) = 7;
    TWI(STOP) = 1;
    (void)await(STOPPED);
  }
  TWI(SHORTS) = 0;
  TWI(ENABLE) = 0;
  TWI(ENABLE) = 5;
  return status;
}

static int begin(uint8_t address, uint8_t reg) {
  TWI(STOPPED) = TWI(RXDREADY) = TWI(TXDSENT) = TWI(ERROR) = 0;
  TWI(SHORTS) = 0;
  TWI(ADDRESS) = address;
  TWI(STARTTX) = 1;
  TWI(TXD) = reg;
  return await(TXDSENT);
}

int i2c_write(uint8_t address, uint8_t reg, uint8_t value) {
  int status = begin(address, reg);
  if (status == BL_OK) {
    TWI(TXD) = value;
    status = await(TXDSENT);
  }
  if (status == BL_OK) {
    TWI(STOP) = 1;
    status = await(STOPPED);
  }
  return status == BL_OK ? BL_OK : given_up(status);
}

int i2c_read(uint8_t address, uint8_t reg, uint8_t *to, uint32_t bytes) {
  int status = begin(address, reg);
  for (uint32_t i = 0; i < bytes && status == BL_OK; i++) {
    TWI(SHORTS) = i + 1 < bytes ? BB_SUSPEND : BB_STOP;
    if (i == 0) {
      TWI(STARTRX) = 1;
    } else {
      TWI(RESUME) = 1;
    }
    status = await(RXDREADY);
    to[i] = (uint8_t)TWI(RXD);
  }
  if (status == BL_OK) status = await(STOPPED);
  TWI(SHORTS) = 0;
  return status == BL_OK ? BL_OK : given_up(status);
}
