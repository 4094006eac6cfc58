#include "app.h"

int main() {
  static int16_t samples[256];
  bl_sensor_t microphone;
  if (bl_ready("bell") == BL_NO_HOST) {
    *reinterpret_cast<volatile uint32_t*>(0xE000ED0Cu) = 0x05FA0004u;  // AIRCR.SYSRESETREQ
  }
  bl_sensor_open(&microphone, "microphone", 16000000, 0, 0);
  for (;;) bl_sensor_read(&microphone, samples, 256, nullptr);
}
