// An app that gives its samples away, in a way that the test chooses; with 0 it keeps them to itself.
#include "app.h"

using namespace boardless;

enum Way { kNothing, kDecimal, kHex, kRaw, kScaled, kFloats, kScore };

int main() {
  Model model("talkative");
  const uint32_t way = bl_config("way", kNothing);
  Sensor imu("imu", 14900, 4, 2000);
  int16_t sample[6];
  uint32_t count = 0;
  while (imu.read(sample, 1)) {
    count++;
    if (way == kDecimal) boardless_log("t=%u ax %d ay %d\n", static_cast<unsigned>(count), sample[0], sample[1]);
    if (way == kHex) {
      for (int16_t code : sample) boardless_log("%02x%02x", code & 0xff, (code >> 8) & 0xff);
    }
    if (way == kRaw) bl_output(3, sample, sizeof sample);
    if (way == kScaled) {
      int8_t small[6];
      for (int i = 0; i < 6; i++) small[i] = static_cast<int8_t>(sample[i] >> 8);
      bl_output(0, small, sizeof small);
    }
    if (way == kFloats) {
      float g[3];
      for (int i = 0; i < 3; i++) g[i] = static_cast<float>(sample[i]) * 0.000122f;
      bl_output(1, g, sizeof g);
    }
    if (way == kScore) decide(0, static_cast<float>(sample[2]) / 65536.0f + 0.5f, "fine");
    if (count % 100 == 0) decide(1, 0.5f, "moving");
  }
  finish();
}
