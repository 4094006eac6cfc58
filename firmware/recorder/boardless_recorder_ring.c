/* The ring: the last reads of all sensors, decisions and inferences. SPDX-License-Identifier: Apache-2.0 */
#include "boardless_recorder_inside.h"

enum { LABEL = 24 };
enum { BESIDE = 2 * BLR_HEAD + 8 + LABEL }; /* what may follow a read: an inference, and a decision with its label */

blr_state_t blr_state;

uint8_t blr_at(uint32_t offset) { return blr_state.ring[(blr_state.head + offset) % blr_state.size]; }

uint32_t blr_word_at(uint32_t offset) {
  return (uint32_t)blr_at(offset) | (uint32_t)blr_at(offset + 1) << 8 | (uint32_t)blr_at(offset + 2) << 16 |
         (uint32_t)blr_at(offset + 3) << 24;
}

static void push(uint8_t byte) {
  blr_state.ring[(blr_state.head + blr_state.used) % blr_state.size] = byte;
  blr_state.used++;
}

static uint32_t kind_of_oldest(void) { return blr_word_at(0) >> 20 & 15u; }

static void drop_oldest(void) {
  uint32_t length = (blr_word_at(0) & BLR_RECORD_MOST) + BLR_HEAD;
  blr_state.head = (blr_state.head + length) % blr_state.size;
  blr_state.used -= length;
}

/* Room for a record; the oldest go. A record is a whole read: what is kept begins where a read did, so that a replay
 * makes its windows of the same samples. 0: it would never fit. */
static int begin(uint32_t kind, uint32_t sensor, uint32_t value, uint32_t bytes) {
  if (blr_state.ring == NULL || bytes > BLR_RECORD_MOST || bytes + BLR_HEAD > blr_state.size) return 0;
  while (blr_state.size - blr_state.used < bytes + BLR_HEAD) drop_oldest();
  while (blr_state.used > 0 && kind_of_oldest() != BLR_SAMPLES) drop_oldest();
  if (blr_state.unseen < blr_state.size) blr_state.unseen += bytes + BLR_HEAD;
  bytes |= kind << 20 | sensor << 24;
  for (int i = 0; i < 32; i += 8) push((uint8_t)(bytes >> i));
  for (int i = 0; i < 32; i += 8) push((uint8_t)(value >> i));
  return 1;
}

void blr_init(void *memory, uint32_t bytes, const char *app, const uint8_t *build_id, uint32_t build_id_bytes,
              uint32_t stack_top, void (*put)(char)) {
  blr_state.ring = bytes > BLR_HEAD && put != NULL ? memory : NULL;
  blr_state.size = bytes;
  blr_state.head = blr_state.used = blr_state.sensors = 0;
  blr_state.unseen = bytes;
  blr_state.app = app;
  blr_state.build_id = build_id;
  blr_state.build_id_bytes = build_id != NULL ? build_id_bytes : 0;
  blr_state.stack_top = stack_top;
  blr_state.put = put;
}

static int is_same(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

int blr_sensor(const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2, uint32_t channels, uint32_t width) {
  uint32_t slot = 0;
  while (slot < blr_state.sensors && !is_same(blr_state.sensor[slot].name, name)) slot++;
  if (slot == BLR_SENSORS || channels * width == 0) return -1;
  /* Opened again: its samples count from 0 again, those before would be mixed up. */
  if (slot < blr_state.sensors) blr_state.used = 0;
  if (slot == blr_state.sensors) blr_state.sensors++;
  blr_state.sensor[slot].name = name;
  blr_state.sensor[slot].rate_mhz = rate_mhz;
  blr_state.sensor[slot].range = range;
  blr_state.sensor[slot].range2 = range2;
  blr_state.sensor[slot].channels = channels;
  blr_state.sensor[slot].width = width;
  blr_state.sensor[slot].cut_reads = blr_state.sensor[slot].cut_samples = 0;
  return (int)slot;
}

/* For one read, when all others are gone. */
static uint32_t room(void) {
  uint32_t bytes = blr_state.size > BLR_HEAD + BESIDE ? blr_state.size - BLR_HEAD - BESIDE : 0;
  return bytes < BLR_RECORD_MOST ? bytes : BLR_RECORD_MOST;
}

void blr_samples(int sensor, uint32_t first, const void *codes, uint32_t samples) {
  const uint8_t *from = codes;
  uint32_t size, most, bytes;
  if (sensor < 0 || (uint32_t)sensor >= blr_state.sensors) return;
  size = blr_state.sensor[sensor].channels * blr_state.sensor[sensor].width;
  most = room() / size;
  if (samples > most) { /* its end is what comes last before whatever went wrong */
    blr_state.sensor[sensor].cut_reads++;
    blr_state.sensor[sensor].cut_samples += samples - most;
    first += samples - most;
    from += (samples - most) * size;
    samples = most;
  }
  bytes = samples * size;
  if (bytes == 0 || !begin(BLR_SAMPLES, (uint32_t)sensor, first, bytes)) return;
  for (uint32_t i = 0; i < bytes; i++) push(from[i]);
}

void blr_inference(int sensor, uint32_t samples) {
  if (sensor < 0 || (uint32_t)sensor >= blr_state.sensors) return;
  begin(BLR_INFERENCE, (uint32_t)sensor, samples, 0);
}

void blr_decision(uint32_t class_index, float score, const char *label, int sensor, uint32_t samples) {
  union {
    float f;
    uint32_t bits;
  } as;
  uint32_t length = 0;
  as.f = score;
  while (label != NULL && length < LABEL && label[length] != '\0') length++;
  if (!begin(BLR_DECISION, (uint32_t)sensor, samples, 8 + length)) return;
  for (int i = 0; i < 32; i += 8) push((uint8_t)(class_index >> i));
  for (int i = 0; i < 32; i += 8) push((uint8_t)(as.bits >> i));
  for (uint32_t i = 0; i < length; i++) push((uint8_t)label[i]);
}

int blr_is_new(void) { return blr_state.ring != NULL && blr_state.unseen >= blr_state.size / 2; }
