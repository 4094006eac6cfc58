/* UART of Arm's Cortex-M System Design Kit, as on the MPS2 and MPS3 boards. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "console.h"

typedef struct {
  uint32_t data;
  uint32_t state; /* bit 0: transmit buffer full */
  uint32_t control; /* bit 0: transmit enable */
  uint32_t interrupt;
  uint32_t divider; /* at least 16 */
} cmsdk_uart_t;

#define UART ((volatile cmsdk_uart_t *)BOARDLESS_CONSOLE_BASE)

void boardless_console_init(void) {
  UART->divider = 16;
  UART->control = 1;
}

__attribute__((noinline, used)) void boardless_console_putc(char c) {
  while (UART->state & 1u) {
  }
  UART->data = (uint8_t)c;
}
