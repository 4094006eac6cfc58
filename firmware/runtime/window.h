// A window over the last samples, and a mean over the last scores. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <cstring>

namespace boardless {

// The last LENGTH samples of CHANNELS values, oldest first; `due()` every STRIDE samples once it is full.
template <class T, uint32_t LENGTH, uint32_t CHANNELS, uint32_t STRIDE> class SlidingWindow {
 public:
  void push(const T* sample) {
    std::memmove(values_, values_ + CHANNELS, sizeof(T) * (LENGTH - 1) * CHANNELS);
    std::memcpy(values_ + (LENGTH - 1) * CHANNELS, sample, sizeof(T) * CHANNELS);
    seen_++;
  }
  bool due() const { return seen_ >= LENGTH && (seen_ - LENGTH) % STRIDE == 0; }
  const T* values() const { return values_; }
  void copy_to(T* input) const { std::memcpy(input, values_, sizeof values_); }

 private:
  T values_[LENGTH * CHANNELS] = {};
  uint32_t seen_ = 0;
};

// Mean of each class's last DEPTH scores; of fewer at the start.
template <uint32_t CLASSES, uint32_t DEPTH> class Smoothing {
 public:
  void push(uint32_t label, float score) { scores_[at_][label] = score; }
  void next() {
    at_ = (at_ + 1) % DEPTH;
    if (filled_ < DEPTH) filled_++;
  }
  float mean(uint32_t label) const {
    float sum = 0;
    for (uint32_t i = 0; i < filled_; i++) sum += scores_[i][label];
    return filled_ ? sum / static_cast<float>(filled_) : 0.0f;
  }
  uint32_t best() const {
    uint32_t best = 0;
    for (uint32_t i = 1; i < CLASSES; i++) {
      if (mean(i) > mean(best)) best = i;
    }
    return best;
  }

 private:
  float scores_[DEPTH][CLASSES] = {};
  uint32_t at_ = 0, filled_ = 0;
};

}  // namespace boardless
