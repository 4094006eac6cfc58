/* What a timer of the core shows across a wait for samples, and across work. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"
#include "boardless_port.h"

enum { SYSTICK_LOAD = 0xffffff, SYSTICK_HZ = 25000000 };
static int16_t codes[10 * 6];
static uint32_t systick(void) { return SYSTICK_LOAD - REG(0xE000E018); }
#ifdef NO_DWT /* Renode's machine of a port build has none: a bus fault */
static uint32_t dwt(void) { return 0; }
#else
static uint32_t dwt(void) { return REG(0xE0001004); }
#endif
KEEP uint32_t millis(void) { return systick() / (SYSTICK_HZ / 1000); }
static void report(const char *const *keys, uint32_t ticks, uint32_t cycles, uint64_t ns) {
  bl_info(keys[0], systick() - ticks);
  bl_info(keys[1], dwt() - cycles);
  bl_info(keys[2], (uint32_t)((bl_time_ns() - ns) / 1000));
}

int main(void) {
  static const char *const waited[] = {"wait.systick", "wait.dwt", "wait.us"};
  static const char *const worked[] = {"work.systick", "work.dwt", "work.us"};
  bl_sensor_t imu;
  uint32_t ticks, cycles, ms;
  uint64_t ns;
#ifndef NO_DWT
  REG(0xE000EDFC) = 1u << 24; /* TRCENA, CYCCNTENA */
  REG(0xE0001000) = 1;
#endif
  REG(0xE000E014) = SYSTICK_LOAD;
  REG(0xE000E018) = 0;
  REG(0xE000E010) = 5; /* on, of the core's clock, no interrupt */
  bl_ready("timers");
  if (bl_sensor_open(&imu, "imu", 119000, 8, 2000) != BL_OK) bl_fail("no imu");
  ns = bl_time_ns();
  ticks = systick();
  cycles = dwt();
  ms = millis();
  bl_sensor_read(&imu, codes, 10, NULL);
  report(waited, ticks, cycles, ns);
  bl_info("wait.ms", millis() - ms);
  ns = bl_time_ns();
  ticks = systick();
  cycles = dwt();
  for (volatile uint32_t i = 0; i < 50000;) i = i + 1;
  report(worked, ticks, cycles, ns);
  bl_exit(0);
  return 0;
}
