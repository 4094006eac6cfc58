/* I2C1 as a master at 100 kHz, SCL on PB6, SDA on PB9; waits asleep. Order of steps: RM0090, "I2C master mode".
 * SPDX-License-Identifier: Apache-2.0 */
#include "drivers/i2c.h"

#include "drivers/bus.h"
#include "drivers/pace.h"
#include "drivers/stm32f4/chip.h"

#define I2C(offset) REG(0x40005400u + (offset))
enum { CR1 = 0x00, CR2 = 0x04, DR = 0x10, SR1 = 0x14, SR2 = 0x18, CCR = 0x1c, TRISE = 0x20 };
enum { PE = 1 << 0, START = 1 << 8, STOP = 1 << 9, ACK = 1 << 10, POS = 1 << 11, SWRST = 1 << 15 }; /* CR1 */
enum { ITERREN = 1 << 8, ITEVTEN = 1 << 9 };                                                        /* CR2 */
enum { SB = 1 << 0, ADDR = 1 << 1, BTF = 1 << 2, BERR = 1 << 8, ARLO = 1 << 9, AF = 1 << 10 };       /* SR1 */
enum { BUSY = 1 << 1 };                                                                             /* SR2 */
enum { WRITE = 0, READ = 1, FUNCTION = 4, PORT_B = 1 };
static const uint32_t looks = 20000;       /* at BUSY: some ms, a STOP takes 10 us */
static const uint32_t patience_us = 25000; /* a byte takes 90 us; a part may hold the clock while it measures */

static uint32_t awaited, seen; /* bits of SR1 */

void i2c_start(void) {
  RCC(RCC_APB1ENR) |= ENABLE_I2C1;
  pin_function(PORT_B, 6, FUNCTION, 1);
  pin_function(PORT_B, 9, FUNCTION, 1);
  I2C(CR1) = SWRST; /* from whatever state a transfer was left in */
  I2C(CR1) = 0;
  I2C(CR2) = APB1_MHZ | ITERREN | ITEVTEN;
  I2C(CCR) = APB1_MHZ * 1000 / (2 * 100);
  I2C(TRISE) = APB1_MHZ + 1;
  I2C(CR1) = PE;
}

/* Keeps what it has seen: in Renode's model a look at AF ends it. */
static int quiet(void) {
  irq_clear(IRQ_I2C1_EVENT); /* of an earlier step, which would end the sleep before it began */
  irq_clear(IRQ_I2C1_ERROR);
  irq_enable(IRQ_I2C1_EVENT);
  irq_enable(IRQ_I2C1_ERROR);
  seen |= I2C(SR1);
  return (seen & (awaited | AF | BERR | ARLO)) == 0;
}

/* Sleeps until a bit of SR1 is set. */
static int await(uint32_t bit) {
  awaited = bit;
  seen = 0;
  if (quiet()) (void)pace_sleep(quiet, patience_us);
  if (seen & bit) return BL_OK;
  return seen & AF ? BUS_NO_ANSWER : BUS_STUCK;
}

/* The end of a transfer that went wrong: the bus is free again, if it can be. */
static int given_up(int status) {
  if (status == BUS_NO_ANSWER) {
    I2C(SR1) = 0;
    I2C(CR1) = PE | STOP;
    for (uint32_t i = 0; i < looks && I2C(SR2) & BUSY; i++) {
    }
  }
  i2c_start();
  return status;
}

/* START, or a repeated one, and the address. What comes behind it waits until ADDR is cleared. */
static int begin(uint8_t address, uint32_t direction) {
  I2C(CR1) = PE | ACK | START;
  int status = await(SB);
  if (status != BL_OK) return status;
  I2C(DR) = (uint32_t)address << 1 | direction;
  return await(ADDR);
}

static int send(uint8_t byte) {
  I2C(DR) = byte;
  return await(BTF);
}

static int begin_write(uint8_t address, uint8_t reg) {
  for (uint32_t i = 0; I2C(SR2) & BUSY; i++) {
    if (i == looks) return BUS_STUCK;
  }
  const int status = begin(address, WRITE);
  if (status != BL_OK) return status;
  (void)I2C(SR2); /* clears ADDR */
  return send(reg);
}

int i2c_write(uint8_t address, uint8_t reg, uint8_t value) {
  int status = begin_write(address, reg);
  if (status == BL_OK) status = send(value);
  if (status != BL_OK) return given_up(status);
  I2C(CR1) = PE | STOP;
  return BL_OK;
}

int i2c_read(uint8_t address, uint8_t reg, uint8_t *to, uint32_t bytes) {
  if (bytes != 2) return BUS_UNFIT; /* reads of one byte, and of three or more, end in other ways: nobody needs them yet */
  int status = begin_write(address, reg);
  if (status == BL_OK) status = begin(address, READ);
  if (status == BL_OK) {
    I2C(CR1) = PE | POS; /* no ACK for the second byte; clears ADDR behind it */
    (void)I2C(SR2);
    status = await(BTF); /* one byte in DR, the other one behind it */
  }
  if (status != BL_OK) return given_up(status);
  I2C(CR1) = PE | POS | STOP;
  to[0] = (uint8_t)I2C(DR);
  to[1] = (uint8_t)I2C(DR);
  return BL_OK;
}
