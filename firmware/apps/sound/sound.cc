// Sound: an alarm, breaking glass, a knock, an engine? Log-mel frames every 20 ms, a decision every 200 ms of the last
// second. The arithmetic is that of models/sound/features.py, all in integers. 64 ms of sound
// wait in RAM while the model is at work: an inference that takes longer loses sound.
#include "app.h"
#include "evidence.h"
#include "spectrum.h"

using namespace boardless;

constexpr uint32_t kHop = card::hop, kLength = card::length, kFrames = card::frames, kBands = card::mel::bands;

int16_t sound[kLength];
int16_t waiting[1024];  // samples that come while the model is at work
uint64_t power[kLength / 2 + 1];
PowerSpectrum<kLength> spectrum;
int16_t frames[kFrames][kBands];  // a ring; `chunk` tells where it begins

void push_frame(uint32_t chunk) {
  spectrum(sound, power);
  int16_t* frame = frames[chunk % kFrames];
  for (uint32_t b = 0; b < kBands; b++) frame[b] = static_cast<int16_t>(log_band(power, card::mel::edges + b));
}

void look(uint32_t chunk, int8_t* input) {
  int32_t sum = 0;
  for (const auto& frame : frames) {
    for (int16_t value : frame) sum += value;
  }
  const int32_t mean = sum / static_cast<int32_t>(kFrames * kBands);
  for (uint32_t i = 1; i <= kFrames; i++) {
    for (int16_t band : frames[(chunk + i) % kFrames]) {
      const int32_t value = (band - mean) >> card::input::shift;
      *input++ = static_cast<int8_t>(value < -128 ? -128 : value > 127 ? 127 : value);
    }
  }
}

int main() {
  Model model("sound");
  Sensor microphone("microphone", static_cast<uint32_t>(card::rate_hz * 1000 + 0.5));
  microphone.waits_in(waiting);
  for (uint32_t chunk = 1;; chunk++) {
    std::memmove(sound, sound + kHop, (kLength - kHop) * sizeof *sound);
    if (!microphone.read(sound + kLength - kHop, kHop)) break;
    if (chunk < 2) continue;  // not yet a whole frame
    push_frame(chunk);
    if (chunk <= kFrames || chunk % card::stride != 0) continue;
    look(chunk, model.input().as<int8_t>());
    show_input(model.input());
    model.invoke();
    const uint32_t best = model.output().argmax();
    decide(best, model.output().real(best));
  }
  finish();
}
