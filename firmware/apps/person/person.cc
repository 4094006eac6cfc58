// Person: is somebody there? Upstream's person detection as shipped: 96 x 96 grey, 8 bits, the middle of the frame.
// On the 2020 tree it takes seconds a frame: the example of a decision that comes too late.
#include "app.h"
#include "evidence.h"

using namespace boardless;

constexpr uint32_t kWidth = 160, kHeight = 120, kSide = 96;
constexpr uint32_t kRate = 8000;  // mHz
const char* const kLabels[] = {"unused", "person", "nobody"};  // upstream's order
constexpr uint32_t kPerson = 1, kNobody = 2;

uint8_t frame[kHeight][kWidth];

int main() {
  Model model("person");
  Sensor camera("camera", kRate);
  uint8_t* input = static_cast<uint8_t*>(model.input().data);
  if (model.input().bytes != kSide * kSide) boardless_fail("person: the model's input is not 96 x 96 of 8 bits");
  // A model with int8 inputs sees the same picture shifted by 128.
  const uint8_t flip = model.input().type == Type::kInt8 ? 0x80 : 0;
  while (camera.read(&frame[0][0], 1)) {
    for (uint32_t y = 0; y < kSide; y++) {
      for (uint32_t x = 0; x < kSide; x++) {
        input[y * kSide + x] = frame[(kHeight - kSide) / 2 + y][(kWidth - kSide) / 2 + x] ^ flip;
      }
    }
    show_input(model.input());
    model.invoke();
    const uint32_t best = model.output().real(kPerson) > model.output().real(kNobody) ? kPerson : kNobody;
    send(1, model.output());
    decide(best, model.output().real(best), kLabels[best]);
  }
  finish();
}
