/* All interrupts come to one handler, as start-up has one address for them. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/stm32f4/chip.h"

void Default_Handler(void);

void Default_Handler(void) {
  uint32_t exception;
  __asm volatile("mrs %0, ipsr" : "=r"(exception));
  switch (exception - 16) {
    case IRQ_TIM2:
      pacer_interrupt(PACER_POLL);
      return;
    case IRQ_TIM5:
      pacer_interrupt(PACER_ADC);
      return;
    case IRQ_TIM3:
      tim3_interrupt();
      return;
    case IRQ_ADC:
    case IRQ_I2C1_EVENT:
    case IRQ_I2C1_ERROR:
      irq_disable(exception - 16); /* it only wakes; its reason stays until the driver has dealt with it */
      return;
    default:
      for (;;) {
      }
  }
}
