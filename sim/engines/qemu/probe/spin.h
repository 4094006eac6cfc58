/* The runner's next byte: most often it answers in less time than it takes to sleep and be woken.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>

#pragma GCC visibility push(hidden)
extern bool spins; /* there is a core for it, see sim/engines/qemu/spin.py */
/* Waits for one byte, where `spins` at first without sleeping. False: the runner is gone. */
bool receive(int socket, char *byte);
#pragma GCC visibility pop
