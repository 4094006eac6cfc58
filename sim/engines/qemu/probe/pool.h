/* Memory that lives as long as the process: QEMU keeps the pointers as long as the translation; translations are few and
 * never told when dropped.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>

#pragma GCC visibility push(hidden)
void *take_memory(size_t size); /* zeros */
#pragma GCC visibility pop
