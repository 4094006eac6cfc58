// All that an app needs: the model, sensors, decisions. docs/apps.md shows it. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "boardless_port.h"
#include "log.h"
#include "model.h"
#include "model_card.h"  // generated: namespace card (labels, numbers of model.toml), namespace parts (sizes of codes)
#include "sensor.h"
#include "tensor.h"
#include "window.h"

namespace boardless {

// Reports what the app decided, with a label of its own or the one of the model's card.
inline void decide(uint32_t class_index, float score, const char* label) {
  bl_decide(class_index, score, label);
  boardless_recorder_decision(class_index, score, label);
}
inline void decide(uint32_t class_index, float score) {
  decide(class_index, score, class_index < card::label_count ? card::labels[class_index] : "");
}

extern "C" [[noreturn]] void boardless_restart(void);

// The app has done what it was there for. Does not return. A test may want it all again, with other samples.
[[noreturn]] inline void finish(int code = 0) {
  if (bl_exit(code) == BL_AGAIN) boardless_restart();
  boardless_fail("finished, and nobody ended the run");
}

// Fills a tensor with the next input of a slot. False when there is no more.
inline bool receive(uint32_t slot, const Tensor& tensor) {
  uint32_t bytes = 0;
  const int status = bl_input(slot, tensor.data, tensor.bytes, &bytes);
  if (status == BL_END) return false;
  if (status != BL_OK) boardless_fail("input %u: nobody gives it", static_cast<unsigned>(slot));
  if (bytes != tensor.bytes) {
    boardless_fail("input %u: %u bytes came, the tensor has %u", static_cast<unsigned>(slot),
                   static_cast<unsigned>(bytes), static_cast<unsigned>(tensor.bytes));
  }
  return true;
}

inline void send(uint32_t slot, const Tensor& tensor) { bl_output(slot, tensor.data, tensor.bytes); }

}  // namespace boardless
