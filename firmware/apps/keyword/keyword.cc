// Keyword: did somebody say yes or no? TFLM's microfrontend, a frame every 20 ms; every 160 ms a look at the last second;
// a word is heard when the mean of its last scores is high enough, and then not again for a while.
#include "app.h"
#include "evidence.h"
#include "microfrontend.h"

using namespace boardless;

constexpr uint32_t kHop = card::hop, kFrames = card::frames;
constexpr uint32_t kSilence = 0, kUnknown = 1;

int16_t sound[kHop];
int16_t waiting[3072];  // 192 ms of sound that comes while the model is at work

int main() {
  Model model("keyword");
  if (!frontend_start()) boardless_fail("keyword: no room for the microfrontend's tables");
  Sensor microphone("microphone", static_cast<uint32_t>(card::rate_hz * 1000 + 0.5));
  microphone.waits_in(waiting);
  SlidingWindow<int8_t, kFrames, FRONTEND_CHANNELS, card::stride> window;
  Smoothing<card::label_count, card::smoothing> smoothing;
  uint32_t looks = 0, deaf_until = 0;
  while (microphone.read(sound, kHop)) {
    bool framed = false;
    for (size_t at = 0, used = 0; at < kHop; at += used) {
      int8_t frame[FRONTEND_CHANNELS];
      if (frontend_take(sound + at, kHop - at, &used, frame)) {
        window.push(frame);
        framed = true;
      }
    }
    if (!framed || !window.due()) continue;
    window.copy_to(model.input().as<int8_t>());
    show_input(model.input());
    model.invoke();
    looks++;
    for (uint32_t label = 0; label < card::label_count; label++) smoothing.push(label, model.output().real(label));
    smoothing.next();
    const uint32_t best = smoothing.best();
    if (best == kSilence || best == kUnknown || looks < deaf_until) continue;
    if (smoothing.mean(best) < static_cast<float>(card::threshold)) continue;
    decide(best, smoothing.mean(best));
    deaf_until = looks + card::refractory;
  }
  finish();
}
