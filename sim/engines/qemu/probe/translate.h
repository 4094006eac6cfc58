/* What is called while a block executes is chosen here, when QEMU translates it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "qemu.h"

#pragma GCC visibility push(hidden)
void translate(struct qemu_plugin_tb *tb);
#pragma GCC visibility pop
