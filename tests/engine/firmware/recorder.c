/* A device with the recorder in it: dumps when a window is loud, and when it faults. SPDX-License-Identifier: Apache-2.0 */
#include "boardless_recorder.h"

#include "bare.h"
#include "boardless_port.h"

#ifndef RING
#define RING 2048
#endif
#ifndef WINDOW
#define WINDOW 7
#endif
static uint8_t ring[RING];
static int16_t codes[WINDOW * 6];
extern const uint8_t __build_id[];
extern uint32_t __stack_top[];
void boardless_console_putc(char c);

KEEP uint32_t deep(uint32_t n) { return REG(0xF0000000u + n) + 1; }

__attribute__((naked)) void BusFault_Handler(void) { __asm volatile("b blr_fault_handler"); }

int main(void) {
  bl_sensor_t imu;
  bl_read_t got;
  int slot;
  say("recorder\n");
  blr_init(ring, sizeof ring, "recorder", __build_id + 16, 20, (uint32_t)(uintptr_t)__stack_top, boardless_console_putc);
  bl_ready("recorder");
  if (bl_sensor_open(&imu, "imu", 119000, 8, 2000) != BL_OK) bl_fail("no imu");
  slot = blr_sensor("imu", 119000, 8, 2000, 6, 2);
  while (bl_sensor_read(&imu, codes, WINDOW, &got) == BL_OK) {
    uint32_t end = (uint32_t)got.first_index + WINDOW;
    int loud = codes[0] > 8000;
    blr_samples(slot, (uint32_t)got.first_index, codes, WINDOW);
    blr_decision((uint32_t)loud, loud ? 0.75f : 0.25f, loud ? "loud one" : "still", slot, end);
    bl_decide((uint32_t)loud, loud ? 0.75f : 0.25f, loud ? "loud_one" : "still");
    say("tick ");
    if (loud) blr_dump("a loud window");
    if (codes[1] > 8000) deep(16);
  }
  return 0;
}
