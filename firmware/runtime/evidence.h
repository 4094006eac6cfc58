// What the model was given and what came of it, for tests that ask for it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "app.h"

namespace boardless {

// Whether the test has set `show_input`; on a product never: no sample leaves the board.
inline bool shown() {
  static const bool asked = bl_config("show_input", 0) != 0;
  return asked;
}

// Sends the model's input to the host in slot 0, if the test asked for it.
inline void show_input(const Tensor& input) {
  if (shown()) send(0, input);
}

// The same with a figure of the app's own.
template <class T> void show(uint32_t slot, const T& value) {
  if (shown()) bl_output(slot, &value, sizeof value);
}

}  // namespace boardless
