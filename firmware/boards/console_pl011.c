/* Arm's PrimeCell UART PL011, as Renode has it on machines that are made from a board file. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "console.h"

#define REGISTER(offset) (*(volatile uint32_t *)(BOARDLESS_CONSOLE_BASE + (offset)))
#define DATA REGISTER(0x00)
#define FLAGS REGISTER(0x18)        /* bit 5: transmit FIFO full */
#define LINE_CONTROL REGISTER(0x2c) /* bits 5 and 6: words of 8 bits */
#define CONTROL REGISTER(0x30)      /* bit 0: UART on, bit 8: transmitter on */

void boardless_console_init(void) {
  LINE_CONTROL = 0x60u;
  CONTROL = 0x101u;
}

__attribute__((noinline, used)) void boardless_console_putc(char c) {
  while (FLAGS & 0x20u) {
  }
  DATA = (uint8_t)c;
}
