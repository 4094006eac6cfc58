/* Writes to the twin's flash, in a way that the core notices.
 *
 * The twin's flash is RAM of QEMU's that no file is mapped to. Where it lies in this process is known from the first
 * code that is translated. Data there (weights) are read from it at every access; code has been translated, so all
 * translations are thrown away behind a write: the core goes on in fresh ones from the next block on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_FLASH_H
#define BOARDLESS_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)
/* At the first translation: where code of that address lies in this process; NULL where QEMU does not say. */
void flash_seen(uint32_t address, uint8_t *host);
/* At a stop, after request 'w': reads the rest of it from the socket. False: it cannot be done, nothing is written. */
bool flash_request(int socket, bool *code);
#pragma GCC visibility pop
#endif
