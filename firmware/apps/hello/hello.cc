// Hello: a model that knows the sine. x goes round and round, one turn a second of board time in 50 steps.
#include "app.h"

using namespace boardless;

int main() {
  Model model("hello");
  const float two_pi = 6.2831853f;
  const uint32_t steps = 50;
  for (uint32_t i = 0;; i = (i + 1) % steps) {
    const float x = two_pi * static_cast<float>(i) / static_cast<float>(steps);
    model.input().set_real(0, x);
    model.invoke();
    const float y = model.output().real(0);
    boardless_log("x=%.3f sin(x)=%.3f\n", static_cast<double>(x), static_cast<double>(y));
    // Which half of the wave, and how far from its edge.
    const float size = y < 0 ? -y : y;
    decide(y < 0 ? 0 : 1, size < 1 ? size : 1.0f, y < 0 ? "negative" : "positive");
    bl_sleep_ns(1000000000ull / steps);
  }
}
