/* UARTE of the nRF52840, TX on P1.03 as on the Arduino Nano 33 BLE. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "console.h"

#define REGISTER(offset) (*(volatile uint32_t *)(BOARDLESS_CONSOLE_BASE + (offset)))
#define START_TX REGISTER(0x008)
#define END_TX REGISTER(0x120)
#define ENABLE REGISTER(0x500)   /* 8: with DMA */
#define PIN_TX REGISTER(0x50c)
#define BAUD_RATE REGISTER(0x524)
#define POINTER REGISTER(0x544)
#define COUNT REGISTER(0x548)

static volatile uint8_t sent; /* DMA reads it from RAM */

void boardless_console_init(void) {
  PIN_TX = 1u << 5 | 3u;
  BAUD_RATE = 0x01d60000u; /* 115200 */
  ENABLE = 8;
}

__attribute__((noinline, used)) void boardless_console_putc(char c) {
  sent = (uint8_t)c;
  END_TX = 0;
  POINTER = (uint32_t)(uintptr_t)&sent;
  COUNT = 1;
  START_TX = 1;
  while (!END_TX) {
  }
}
