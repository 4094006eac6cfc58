// Fridge: a temperature every 50 s, the last 20 minutes of them to the model. Says something only when the state changes.
// A sensor that is silent or stuck is a state too: "sensor".
#include "app.h"

using namespace boardless;

constexpr uint32_t kWindow = card::window;
constexpr uint32_t kSensor = card::label_count;  // a class of the app's own
constexpr float kDegree = static_cast<float>(parts::temperature::temperature());  // of one code
constexpr uint32_t kSure = 6;                    // answers in a row

int main() {
  Model model("fridge");
  Sensor thermometer("temperature", static_cast<uint32_t>(card::rate_hz * 1000 + 0.5));
  int16_t last[kWindow];
  uint32_t filled = 0, lost = 0, state = ~0u, candidate = ~0u, times = 0;
  int16_t code;
  while (thermometer.read(&code, 1)) {
    const bool gap = thermometer.lost() != lost;
    lost = thermometer.lost();
    if (gap) filled = 0;
    if (filled == kWindow) std::memmove(last, last + 1, (kWindow - 1) * sizeof *last), filled--;
    last[filled++] = code;
    uint32_t now = kSensor;
    bool moves = false;
    for (uint32_t i = 1; i < filled; i++) moves = moves || last[i] != last[0];
    float score = 1.0f;
    if (!gap) {
      if (filled < kWindow) continue;
      if (moves) {
        for (uint32_t i = 0; i < kWindow; i++) {
          model.input().set_real(i, static_cast<float>(last[i]) * kDegree - static_cast<float>(card::mean_c));
        }
        model.invoke();
        now = model.output().argmax();
        score = model.output().real(now);
      }
    }
    times = now == candidate ? times + 1 : 1;
    candidate = now;
    if (now == state || (times < kSure && !gap)) continue;
    state = now;
    if (now == kSensor) decide(now, score, "sensor");
    else decide(now, score);
  }
  finish();
}
