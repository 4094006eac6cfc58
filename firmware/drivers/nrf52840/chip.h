/* What the drivers of the nRF52840 share. Registers: nRF52840 Product Specification v1.7. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_NRF52840_H
#define BOARDLESS_NRF52840_H

#include "drivers/cortex_m.h"

#define PIN(port, pin) ((port) << 5 | (pin))
#define PIN_CNF(pin) REG(0x50000700u + ((pin) >> 5) * 0x300u + ((pin) & 31u) * 4u)
#define OUTSET(pin) REG(0x50000508u + ((pin) >> 5) * 0x300u) /* a bit for each pin of the port */
#define OUTCLR(pin) REG(0x5000050cu + ((pin) >> 5) * 0x300u)
#define DIRSET(pin) REG(0x50000518u + ((pin) >> 5) * 0x300u)

enum { IRQ_TIMER3 = 26, IRQ_TIMER4 = 27, IRQ_PDM = 29 };

/* Which pins the board has what on (boards/<board>.c). */
typedef struct {
  uint8_t scl, sda;         /* the bus of its sensors */
  uint8_t pdm_clk, pdm_din; /* its microphone */
} board_pins_t;
extern const board_pins_t board_pins;
/* Supplies the sensors, where a pin does that. */
void board_power(void);

static inline void pin_high(uint32_t pin) {
  OUTSET(pin) = 1u << (pin & 31u);
  DIRSET(pin) = 1u << (pin & 31u);
}

void timer3_interrupt(void);
void timer4_interrupt(void);
void pdm_interrupt(void);

#endif
