// Current in blocks of 10, for tests of drivers: their mean to the model, as a place on a turn, and each code away.
#include "app.h"

using namespace boardless;

constexpr uint32_t kBlock = 10;

int main() {
  Model model("ammeter");
  Sensor ammeter("current", 100000);
  int16_t codes[kBlock];
  while (ammeter.read(codes, kBlock)) {
    bl_output(3, codes, sizeof codes);
    int32_t sum = 0;
    for (int16_t code : codes) sum += code;
    model.input().set_real(0, 3.1415927f * (1.0f + static_cast<float>(sum) / (2048.0f * kBlock)));
    model.invoke();
    const float y = model.output().real(0);
    const float size = y < 0 ? -y : y;
    decide(y < 0, size < 1 ? size : 1.0f, y < 0 ? "in" : "out");
  }
  finish();
}
