// Model: the .tflite that is linked into the image, ready to run. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tensor.h"

namespace boardless {

class Model {
 public:
  // Allocates the tensors in the arena and tells the engine that the app has booted. Ends the run with TFLM's own
  // message when that fails. One object per image.
  explicit Model(const char* app);

  uint32_t inputs() const;
  uint32_t outputs() const;
  Tensor input(uint32_t i = 0) const;
  Tensor output(uint32_t i = 0) const;
  // One inference; ends the run when an operator fails.
  void invoke();
};

// For sizing the arena within one boot: creates the interpreter anew in the first `bytes` of the arena.
struct Trial {
  bool runs;
  uint32_t used;  // bytes of the arena
  uint32_t hash;  // of all outputs, for a fixed input; 0 if there was no inference
};
Trial try_arena(uint32_t bytes, bool infer);
// Answers the host's questions ("arena_try" in bytes, "arena_invoke") until it asks no more. Does not return.
void search_arena();

}  // namespace boardless
