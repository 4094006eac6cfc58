// Gives away each temperature that it reads, for tests of drivers: what the host fed is not yet what the firmware has.
#include "app.h"

using namespace boardless;

int main() {
  Model model("thermometer");
  Sensor thermometer("temperature", 50000);
  int16_t code;
  while (thermometer.read(&code, 1)) bl_output(3, &code, sizeof code);
  finish();
}
