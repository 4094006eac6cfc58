/* Bare firmware of the engine's tests: no C library, no TFLM, one file for start-up. SPDX-License-Identifier: Apache-2.0 */
#ifndef BARE_H
#define BARE_H
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define KEEP __attribute__((noinline, noclone, used))

/* Written by the test before the first instruction; start-up leaves it alone. */
extern volatile uint32_t bare_case, bare_value;
void say(const char *text); /* UART, through boardless_console_putc */
int main(void);
#endif
