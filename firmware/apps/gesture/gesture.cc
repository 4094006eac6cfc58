// Gesture: which motion is this? The last 28 samples of the inertial sensor, looked at every 7 samples.
// All numbers are the model's own (models/gesture/model.toml, generated into namespace card).
#include "app.h"
#include "evidence.h"

using namespace boardless;

constexpr uint32_t kAxes = sizeof card::channels / sizeof *card::channels;

// The part's int16 code -> the model's int8 input; the model was trained on these very integers.
int8_t scaled(int16_t code) {
  const int32_t value = (code + card::input::round) >> card::input::shift;
  return static_cast<int8_t>(value < -128 ? -128 : value > 127 ? 127 : value);
}

int main() {
  Model model("gesture");
  Sensor imu("imu", static_cast<uint32_t>(card::rate_hz * 1000 + 0.5), card::part::accel_range_g,
             card::part::gyro_range_dps);
  SlidingWindow<int8_t, card::window, kAxes, card::stride> window;
  Smoothing<card::label_count, card::smoothing> smoothing;

  int16_t samples[card::stride][kAxes];
  while (imu.read(&samples[0][0], card::stride)) {
    for (const auto& sample : samples) {
      int8_t input[kAxes];
      for (uint32_t axis = 0; axis < kAxes; axis++) input[axis] = scaled(sample[axis]);
      window.push(input);
    }
    if (!window.due()) continue;
    window.copy_to(model.input().as<int8_t>());
    show_input(model.input());
    model.invoke();
    for (uint32_t label = 0; label < card::label_count; label++) smoothing.push(label, model.output().real(label));
    smoothing.next();
    decide(smoothing.best(), smoothing.mean(smoothing.best()));
  }
  finish();
}
