/* Memory that the board does not have, and stores to its flash, are bus faults.
 *
 * A twin has megabytes of RAM where the board has kilobytes, and RAM where the board has flash. Here other memory is laid
 * over it, of QEMU's own kinds: a hole answers no access, a ROM device reads and runs like RAM and answers no store. The
 * core then takes the fault it takes on hardware (BusFault, precise, with its address), and nothing is looked at while
 * code runs: an access to memory that is there goes QEMU's shortest way, as before.
 *
 * This takes a few functions of QEMU that are not of its plugin interface. A QEMU that is built with modules, as
 * distributions build it, exports them, with the same arguments in 7.2 to 11. Where they are not exported nothing is
 * laid, and guard_lay says so.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_GUARD_H
#define BOARDLESS_GUARD_H

#include <stdbool.h>

/* Before the machine is made. `what`: "hole" or "rom"; `where`: address, size and for a ROM that shows at two places the
 * other address, in hexadecimal with "+" between. False: this QEMU cannot do it. */
bool guard_lay(const char *what, const char *where);
#endif
