/* The machine's RAM, as the file that the runner shares.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)
/* fd < 0: there is none. */
void ram_install(int fd, uint32_t at);
/* `size` bytes from there. False: not all of them are in RAM. */
bool ram_read(uint32_t address, void *to, uint32_t size);
static inline bool ram_word(uint32_t address, uint32_t *value) { return ram_read(address, value, sizeof *value); }
#pragma GCC visibility pop
