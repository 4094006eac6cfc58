/* Vector table and reset of a Cortex-M4. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

extern uint32_t _stack_top, _data, _data_end, _data_load, _bss, _bss_end;
int main(void);

void Reset_Handler(void) {
  for (uint32_t *to = &_data, *from = &_data_load; to < &_data_end;) *to++ = *from++;
  for (uint32_t *to = &_bss; to < &_bss_end;) *to++ = 0;
  main();
  for (;;) {
  }
}

/* The product's own fault handler: waits for the watchdog. A test is stopped at its first instruction. */
void Fault_Handler(void) {
  for (;;) {
  }
}

typedef void (*handler_t)(void);

__attribute__((section(".vectors"), used)) static const handler_t vectors[16] = {
    (handler_t)&_stack_top, /* initial stack pointer */
    Reset_Handler,
    Fault_Handler, /* NMI */
    Fault_Handler, /* HardFault */
    Fault_Handler, /* MemManage */
    Fault_Handler, /* BusFault */
    Fault_Handler, /* UsageFault */
};
