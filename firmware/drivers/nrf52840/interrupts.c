/* All interrupts come to one handler, as start-up has one address for them. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/nrf52840/chip.h"

void Default_Handler(void);

void Default_Handler(void) {
  uint32_t exception;
  __asm volatile("mrs %0, ipsr" : "=r"(exception));
  switch (exception - 16) {
    case IRQ_TIMER3:
      timer3_interrupt();
      return;
    case IRQ_TIMER4:
      timer4_interrupt();
      return;
    case IRQ_PDM:
      pdm_interrupt();
      return;
    default:
      for (;;) {
      }
  }
}
