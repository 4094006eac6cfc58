/* Registers of parts on an I2C bus; each chip has its own. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_I2C_H
#define BOARDLESS_I2C_H

#include <stdint.h>

void i2c_start(void);
/* BL_OK, BUS_NO_ANSWER or BUS_STUCK. `address` without the direction bit. */
int i2c_write(uint8_t address, uint8_t reg, uint8_t value);
int i2c_read(uint8_t address, uint8_t reg, uint8_t *to, uint32_t bytes);

#endif
