/* Driver of the CMSDK APB UART (Arm DDI 0479), which the MPS2 and MPS3 boards have: the twin's UART, not the product's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "uart.h"

#include <stdint.h>

typedef struct {
  volatile uint32_t data, state, ctrl, intstatus, bauddiv;
} uart_t;

#define UART ((uart_t *)UART_BASE)
#define TX_FULL 1u
#define TX_ENABLE 1u

void uart_init(void) {
  UART->bauddiv = 16; /* the least there may be */
  UART->ctrl = TX_ENABLE;
}

void uart_puts(const char *text) {
  for (; *text; text++) {
    while (UART->state & TX_FULL) {
    }
    UART->data = (uint8_t)*text;
  }
}
