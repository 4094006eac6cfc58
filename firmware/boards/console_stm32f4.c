/* USART2 of the STM32F4, TX on PA2. Sets the chip's clocks too, as the baud rate hangs on them and nothing runs before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "console.h"
#include "drivers/stm32f4/chip.h"

#define REGISTER(offset) REG(BOARDLESS_CONSOLE_BASE + (offset))
#define STATUS REGISTER(0x00) /* bit 7: room for a byte */
#define DATA REGISTER(0x04)
#define BAUD_RATE REGISTER(0x08)
#define CONTROL REGISTER(0x0c) /* bit 13: UART on, bit 3: transmitter on */

void boardless_console_init(void) {
  clock_start();
  RCC(RCC_APB1ENR) |= ENABLE_USART2;
  pin_function(0, 2, 7, 0);
  BAUD_RATE = (APB1_MHZ * 1000000u + 57600u) / 115200u;
  CONTROL = 1u << 13 | 1u << 3;
}

__attribute__((noinline, used)) void boardless_console_putc(char c) {
  while (!(STATUS & 0x80u)) {
  }
  DATA = (uint8_t)c;
}
