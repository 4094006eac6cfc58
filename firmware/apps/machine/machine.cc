// Machine: does it vibrate as a healthy one does? An autoencoder of the log spectrum of the radial axis; what it cannot
// draw again is new. The arithmetic is that of models/machine/features.py, all in integers.
#include "app.h"
#include "evidence.h"
#include "spectrum.h"

using namespace boardless;

constexpr uint32_t kWindow = card::window, kBands = card::spectrum::bands;
constexpr uint32_t kChunk = 384;  // raw samples a read: 14.4 ms; the part's FIFO holds 512

// Every third sample, after a triangle over five.
struct Decimator {
  int32_t held[2] = {0, 0};
  int16_t operator()(int32_t a, int32_t b, int32_t c) {
    const int32_t kept = (held[0] + 2 * held[1] + 3 * a + 2 * b + c) >> card::decimation::shift;
    held[0] = b;
    held[1] = c;
    return static_cast<int16_t>(kept < -32768 ? -32768 : kept > 32767 ? 32767 : kept);
  }
};

int16_t raw[kChunk][3];
int16_t window[kWindow];
uint64_t power[kWindow / 2 + 1];
PowerSpectrum<kWindow> spectrum;
Decimator decimate;

void look(int8_t* input) {
  int32_t bands[kBands], sum = 0;
  for (uint32_t b = 0; b < kBands; b++) {
    const int32_t from = card::spectrum::first + static_cast<int32_t>(b) * card::spectrum::step;
    const int32_t edges[] = {from, from + card::spectrum::step, from + 2 * card::spectrum::step};
    bands[b] = log_band(power, edges);
    sum += bands[b];
  }
  for (uint32_t b = 0; b < kBands; b++) {
    const int32_t value = (bands[b] - sum / static_cast<int32_t>(kBands)) >> card::input::shift;
    input[b] = static_cast<int8_t>(value < -128 ? -128 : value > 127 ? 127 : value);
  }
}

// Mean square of what is louder than drawn, over some neighbouring bands together: a fault rings at a resonance.
int32_t difference(const int8_t* before, const Tensor& after, float input_scale) {
  constexpr uint32_t kSpread = card::score::spread, kPlaces = kBands - kSpread + 1;
  const int32_t ratio = static_cast<int32_t>(std::nearbyint(after.scale / input_scale * 65536.0f));
  int32_t d[kBands];
  for (uint32_t b = 0; b < kBands; b++) {
    d[b] = before[b] * 16 - (((after.as<int8_t>()[b] - after.zero_point) * ratio) >> 12);
  }
  int64_t sum = 0;
  for (uint32_t b = 0; b < kPlaces; b++) {
    int32_t raised = 0;
    for (uint32_t i = 0; i < kSpread; i++) raised += d[b + i];
    if (raised > 0) sum += static_cast<int64_t>(raised) * raised;
  }
  return static_cast<int32_t>(sum / kPlaces / 16);
}

int32_t scores[card::smoothing];
uint32_t filled, windows;

void judge(Model& model) {
  int8_t seen[kBands];
  look(seen);
  const Tensor input = model.input();  // its memory is used again during the inference: `seen` is kept
  std::memcpy(input.as<int8_t>(), seen, sizeof seen);
  show_input(input);
  model.invoke();
  int32_t& score = scores[windows++ % card::smoothing];
  score = difference(seen, model.output(), input.scale);
  show(1, score);
  if (filled < card::smoothing) filled++;
  int64_t sum = 0;
  for (uint32_t i = 0; i < filled; i++) sum += scores[i];
  const int32_t mean = static_cast<int32_t>(sum / filled);
  // 0.5 is the threshold, 1 twice that and more.
  const float share = static_cast<float>(mean) / (2.0f * card::threshold);
  // One window alone is no reason to stop a machine.
  const bool fault = filled == card::smoothing && mean > card::threshold;
  decide(fault, share < 1 ? share : 1.0f);
}

int main() {
  Model model("machine");
  Sensor vibration("vibration", static_cast<uint32_t>(card::rate_hz * 1000 + 0.5), card::part::range_g);
  bool due = false;
  for (uint32_t at = 0;;) {
    // Between spectrum and model the part's FIFO is emptied: on a slow board it does not last for both.
    const bool more = vibration.read(&raw[0][0], kChunk);
    if (due) judge(model);
    due = false;
    if (!more) break;
    for (uint32_t i = 0; i < kChunk; i += 3) {
      constexpr int axis = card::part::axis;
      window[at++] = decimate(raw[i][axis], raw[i + 1][axis], raw[i + 2][axis]);
    }
    if (at < kWindow) continue;
    at = 0;
    spectrum(window, power);
    due = true;
  }
  finish();
}
