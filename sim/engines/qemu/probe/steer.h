/* Looking into a core that stands still, and letting it go on at another place.
 *
 * At a stop the core is in front of a block's first instruction: nothing of it is held outside its state, so registers
 * can be read and written there. To go on elsewhere the block has to be left before it begins: see steer.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { STEER_AT = 1536 };                        /* offset in the shared file */
enum { STEER_READS = 1, STEER_LEAVES = 2 };      /* steer_area.able */

struct steer_area {
  uint32_t able;          /*  0: what can be done with this QEMU on this host */
  uint32_t refused;       /*  4: the last request could not be done */
  uint64_t host, size;    /*  8, 16: request 'm': where the machine has the RAM that the shared file is to be */
  uint32_t registers[16]; /* 24: r0 to r15 after request 'g'; what request 'j' goes on with */
};

#pragma GCC visibility push(hidden)
void steer_install(void *control_file, int ram_fd);

/* The callback for the first block of all; `data` points to its address. */
void steer_first(unsigned vcpu, void *data);

/* A request of the runner while the core stands still in front of the block at `pc`. False: it is none of these.
 * 'j' does not return when it is done. */
bool steer_request(char request, uint64_t pc, bool inner);
#pragma GCC visibility pop
