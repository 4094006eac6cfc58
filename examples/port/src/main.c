/* A product that reports when it is shaken. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "boardless_port.h"
#include "sensor.h"
#include "uart.h"

#define SAMPLES 16

/* Change of the acceleration over the window, in codes: what shaking is told by. May be tuned by a test. */
volatile uint32_t shake_threshold = 400;
uint32_t windows;

uint32_t unrest(const sample_t *samples, uint32_t count);

uint32_t __attribute__((noinline)) unrest(const sample_t *samples, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = 1; i < count; i++) {
    for (int axis = 0; axis < 3; axis++) {
      int32_t change = samples[i].acceleration[axis] - samples[i - 1].acceleration[axis];
      sum += (uint32_t)(change < 0 ? -change : change);
    }
  }
  return sum / (count - 1);
}

int main(void) {
  static sample_t samples[SAMPLES];
  int was_shaken = 0;
  uart_init();
  uart_puts("shake detector 1.0\r\n");
  if (sensor_init() != 0) {
    uart_puts("no sensor\r\n");
    bl_fail("no sensor"); /* a failed test at once; nothing on the product */
    return 1;
  }
  bl_ready("shake");
  while (sensor_read(samples, SAMPLES) == 0) {
    int shaken = unrest(samples, SAMPLES) > shake_threshold;
    windows++;
    if (shaken != was_shaken) uart_puts(shaken ? "shaken\r\n" : "at rest\r\n");
    was_shaken = shaken;
    bl_decide((uint32_t)shaken, shaken ? 1.0f : 0.0f, shaken ? "shaken" : "at rest");
  }
  uart_puts("sensor lost\r\n");
  return 1;
}
