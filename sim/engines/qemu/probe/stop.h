/* Stopping: the probe writes one byte to the runner and blocks until one comes back; while it blocks the core stands
 * still at the first instruction of a block, with all registers in QEMU's CPU state. When the socket closes, QEMU ends:
 * nothing is left running when the runner is killed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)
/* False: no thread can be started that watches the runner. `flash`: what to do at request 'w'. */
bool stop_install(int socket, void (*flash)(int socket));
void leave(void) __attribute__((noreturn));
void stop(uint32_t event, uint32_t index, uint64_t pc);
extern bool stopped_inside; /* in the middle of a block: registers may be elsewhere */
#pragma GCC visibility pop
