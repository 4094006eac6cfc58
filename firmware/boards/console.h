/* The log of the firmware: one byte at a time, to the UART of the board. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_CONSOLE_H
#define BOARDLESS_CONSOLE_H
#ifdef __cplusplus
extern "C" {
#endif

void boardless_console_init(void);
/* Called once per byte and never inlined: the engine takes the time of a byte at its first instruction. */
void boardless_console_putc(char c);

#ifdef __cplusplus
}
#endif
#endif
