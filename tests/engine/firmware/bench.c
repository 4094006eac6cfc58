/* What the tests of the plugin run: decides from 16 samples of the imu at a time, and does what `command` says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"
#include "boardless_port.h"

enum { GO_ON, FAULT, SAY, EXIT, SPIN, FLOOD, LATER, HALF_LINE };

#ifndef START
#define START GO_ON
#endif
volatile uint32_t command = START, ticks;
volatile int16_t offset = -7;
volatile uint8_t blob[3] = {1, 2, 3};
static int16_t codes[16 * 6];
static char line[] = "tick 000\n";

KEEP uint32_t boardless_invoke(const int16_t *values, uint32_t n) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += (uint32_t)(values[i] < 0 ? -values[i] : values[i]);
  return sum / n;
}

static void obey(void) {
  uint32_t what = command;
  command = GO_ON;
  if (what == FAULT) REG(0xF0000000) = 1;
  if (what == SAY) say("21 \xc2\xb0""C\r\nscore 0.75\r\n");
  if (what == EXIT) bl_exit(3);
  while (what == SPIN) __asm volatile("nop");
  while (what == FLOOD) say("flood flood flood flood flood flood flood flood\n");
  if (what == LATER) {
    for (volatile uint32_t i = 0; i < 1000000; i++) {
    }
    say("later\n");
  }
  if (what == HALF_LINE) say("no end");
}

int main(void) {
  bl_sensor_t imu;
  bl_read_t read;
  say("bench\r\n");
  bl_ready("bench");
  if (bl_sensor_open(&imu, "imu", 119000, 8, 2000) != BL_OK) bl_fail("no imu");
  for (;;) {
    bl_sensor_read(&imu, codes, 16, &read);
    uint32_t level = boardless_invoke(codes, 16 * 6);
    bl_decide(level > 500, (float)level / 4096.0f, level > 500 ? "moving" : "still");
    ticks++;
    line[5] = (char)('0' + ticks / 100 % 10);
    line[6] = (char)('0' + ticks / 10 % 10);
    line[7] = (char)('0' + ticks % 10);
    say(line);
    obey();
  }
}
