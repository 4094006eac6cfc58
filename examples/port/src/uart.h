/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UART_H
#define UART_H
void uart_init(void);
void uart_puts(const char *text);
#endif
