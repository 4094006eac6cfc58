/* See decode.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <string.h>

#include "operands.h"

void decode(uint32_t at, const uint16_t half[2], unsigned size, struct op *op) {
  memset(op, 0, sizeof *op);
  op->size = (uint8_t)size;
  op->kind = K_ALU;
  if (size == 2)
    decode_16(at, half[0], op);
  else
    decode_32(at, half[0], half[1], op);
}
