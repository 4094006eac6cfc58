// Vehicle: what does the car drive over, or does it brake hard? The last second of the inertial sensor, looked at four
// times a second, each decision due 50 ms after its window. Arithmetic as in models/vehicle/features.py.
#include "app.h"
#include "evidence.h"

using namespace boardless;

constexpr uint32_t kAxes = sizeof card::channels / sizeof *card::channels;

int8_t scaled(int16_t code, uint32_t axis) {
  const int32_t value = (code - card::input::rest[axis] + card::input::round[axis]) >> card::input::shift[axis];
  return static_cast<int8_t>(value < -128 ? -128 : value > 127 ? 127 : value);
}

int main() {
  Model model("vehicle");
  Sensor imu("imu", static_cast<uint32_t>(card::rate_hz * 1000 + 0.5), card::part::accel_range_g,
             card::part::gyro_range_dps);
  SlidingWindow<int8_t, card::window, kAxes, card::stride> window;

  int16_t samples[card::stride][kAxes];
  while (imu.read(&samples[0][0], card::stride)) {
    for (const auto& sample : samples) {
      int8_t input[kAxes];
      for (uint32_t axis = 0; axis < kAxes; axis++) input[axis] = scaled(sample[axis], axis);
      window.push(input);
    }
    if (!window.due()) continue;
    window.copy_to(model.input().as<int8_t>());
    show_input(model.input());
    model.invoke();
    const uint32_t best = model.output().argmax();
    decide(best, model.output().real(best));
  }
  finish();
}
