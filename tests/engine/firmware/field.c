/* Bugs as they come back from the field, one an image (-DBUG=1 to 7), and each of them fixed (-DFIXED).
 *
 * All take windows of 16 samples of the imu, make a feature of them and decide; the last one listens, too. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"
#include "boardless_port.h"

#ifdef FIXED
enum { IS_FIXED = 1 };
#else
enum { IS_FIXED = 0 };
#endif
enum { WINDOW = 16, AXES = 6, LOUD = 10000 };

static struct {
  int16_t window[WINDOW * AXES];
  int16_t kept[AXES]; /* the last sample of the window before */
} data;
static bl_read_t got;

static int32_t magnitude(int16_t value) { return value < 0 ? -(int32_t)value : value; }

#if BUG == 1 /* Off by one in a window: looks at 17 samples, the last of them from the window before. */
static void decide(void) {
  int loud = 0;
  int32_t peak = 0;
  for (int i = 0; i < WINDOW + !IS_FIXED; i++)
    if (magnitude(data.window[i * AXES]) > LOUD) loud = 1;
  for (int i = 0; i < WINDOW; i++)
    if (magnitude(data.window[i * AXES]) > peak) peak = magnitude(data.window[i * AXES]);
  bl_decide(loud, 1.0f, !loud ? "quiet" : peak > LOUD ? "shock" : "a shock of no size");
  for (int a = 0; a < AXES; a++) data.kept[a] = data.window[(WINDOW - 1) * AXES + a];
}

#elif BUG == 2 /* A stack that overflows at a deep call: as deep as the sign of ax changes. */
KEEP static int changes_from(int i) {
  volatile uint8_t notes[400];
  while (i + 1 < WINDOW && (data.window[i * AXES] ^ data.window[(i + 1) * AXES]) >= 0) i++;
  if (i + 1 >= WINDOW) return 0;
  notes[i] = (uint8_t)changes_from(i + 1);
  return notes[i] + 1;
}
static void decide(void) {
  int changes = 0;
  if (IS_FIXED)
    for (int i = 0; i + 1 < WINDOW; i++) changes += (data.window[i * AXES] ^ data.window[(i + 1) * AXES]) < 0;
  else
    changes = changes_from(0);
  bl_decide(0, 1.0f, changes > 4 ? "shaking" : "quiet");
}

#elif BUG == 3 /* A stale window: long work after a loud one lets the FIFO overrun, and the change is taken over the gap. */
static void decide(void) {
  static int32_t level_before;
  int32_t level = 0;
  if (IS_FIXED && got.lost) level_before = 0;
  for (int i = 0; i < WINDOW; i++) level += data.window[i * AXES] / WINDOW;
  bl_decide(0, 1.0f, level_before > LOUD && level_before - level > 6000 ? "fall" : "quiet");
  level_before = level;
  if (level > LOUD) bl_sleep_ns(2000000000u);
}

#elif BUG == 4 /* A sensor that dropped out: samples that are missing are not noticed, the step between is a shock. */
static void decide(void) {
  int32_t step = data.window[0] - data.kept[0];
  if (IS_FIXED && got.lost) step = 0; /* nobody knows what was in between */
  int shock = magnitude((int16_t)(step / 2)) > 3000;
  bl_decide(shock, 1.0f, !shock ? "quiet" : got.lost ? "shock while away" : "shock");
  data.kept[0] = data.window[(WINDOW - 1) * AXES];
}

#elif BUG == 6 /* No room for more after 50 windows, whatever is in them. */
static void decide(void) {
  static uint32_t noted;
  if (!IS_FIXED && noted++ == 50) bl_fail("no room for another note");
  bl_decide(0, 1.0f, magnitude(data.window[0]) > LOUD ? "shock" : "quiet");
}

#elif BUG == 7 /* Sleeps as soon as one axis is still. */
static void decide(void) {
  int moves = 0;
  for (int i = 0; i < WINDOW * (IS_FIXED ? AXES : 1); i++) moves |= data.window[IS_FIXED ? i : i * AXES];
  bl_decide(0, 1.0f, moves ? "awake" : "asleep");
}

#else /* 5: an energy that overflows 32 bits when all axes are loud. */
static void decide(void) {
  uint64_t sum = 0;
  for (int i = 0; i < WINDOW * AXES; i++) sum += (uint32_t)((int32_t)data.window[i] * data.window[i]);
  int64_t energy = IS_FIXED ? (int64_t)sum : (int32_t)(uint32_t)sum;
  bl_decide(0, 1.0f, energy < 0 ? "broken sensor" : energy > 1000000 ? "moving" : "quiet");
}
#endif

int main(void) {
  bl_sensor_t imu;
  bl_ready("field");
  if (bl_sensor_open(&imu, "imu", 119000, 8, 2000) != BL_OK) bl_fail("no imu");
#if BUG == 7
  static int16_t sound[WINDOW * 16000 / 119];
  bl_sensor_t microphone;
  if (bl_sensor_open(&microphone, "microphone", 16000000, 0, 0) != BL_OK) bl_fail("no microphone");
  while (bl_sensor_read(&microphone, sound, sizeof sound / sizeof *sound, 0) == BL_OK &&
         bl_sensor_read(&imu, data.window, WINDOW, &got) == BL_OK)
    decide();
#endif
  while (bl_sensor_read(&imu, data.window, WINDOW, &got) == BL_OK) decide();
  bl_exit(0);
}
