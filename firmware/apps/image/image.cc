// Image: which digit is in the middle of the camera's frame? Its arithmetic is that of models/image/features.py.
#include "app.h"
#include "evidence.h"

using namespace boardless;

constexpr int kWidth = card::frame::width, kHeight = card::frame::height;
constexpr int kSize = card::digit::size, kBlock = card::digit::block;

uint8_t frame[kHeight][kWidth];

int block_mean(int row, int column) {
  const int top = (kHeight - kSize * kBlock) / 2 + row * kBlock;
  const int left = (kWidth - kSize * kBlock) / 2 + column * kBlock;
  int sum = 0;
  for (int y = 0; y < kBlock; y++) {
    for (int x = 0; x < kBlock; x++) sum += frame[top + y][left + x];
  }
  return sum / (kBlock * kBlock);
}

// Stretched to all of int8, so that brightness and contrast do not matter. False where nothing is to be seen.
bool look(int8_t* input) {
  int means[kSize * kSize], darkest = 255, brightest = 0;
  for (int i = 0; i < kSize * kSize; i++) {
    means[i] = block_mean(i / kSize, i % kSize);
    if (means[i] < darkest) darkest = means[i];
    if (means[i] > brightest) brightest = means[i];
  }
  const int span = brightest - darkest;
  for (int i = 0; i < kSize * kSize; i++) {
    input[i] = static_cast<int8_t>((means[i] - darkest) * 255 / (span ? span : 1) - 128);
  }
  return span >= card::digit::contrast;
}

int main() {
  Model model("image");
  Sensor camera("camera", static_cast<uint32_t>(card::rate_hz * 1000 + 0.5));
  while (camera.read(&frame[0][0], 1)) {
    if (!look(model.input().as<int8_t>())) continue;
    show_input(model.input());
    model.invoke();
    const uint32_t digit = model.output().argmax();
    decide(digit, model.output().real(digit));
  }
  finish();
}
