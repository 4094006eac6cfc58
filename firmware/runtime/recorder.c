/* The last seconds of an app, in the RAM that the build keeps for them. SPDX-License-Identifier: Apache-2.0 */
#include "recorder.h"

#include "boardless_recorder.h"
#include "console.h"

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

/* Of the linker: the ring, and in thousandths the score below which a decision is dumped. */
extern uint8_t __recorder_start[], __recorder_end[], __recorder_below[], __stack_top[];
extern const uint8_t __build_id[];

enum { BUILD_ID_AT = 16, BUILD_ID = 20, /* of a GNU build-id note */ HANDLES = 8 };

static int slots[HANDLES]; /* the recorder's number of each open sensor */
static int last_sensor = -1; /* the one that was read last, and how many samples it has given */
static uint32_t last_taken;
static volatile uint8_t is_requested;

void boardless_recorder_start(void) {
  blr_init(__recorder_start, (uint32_t)(__recorder_end - __recorder_start), TEXT(BOARDLESS_RECORDER),
           __build_id + BUILD_ID_AT, BUILD_ID, (uint32_t)(uintptr_t)__stack_top, boardless_console_putc);
}

void boardless_recorder_sensor(const bl_sensor_t *sensor, const char *name, uint32_t range, uint32_t range2) {
  slots[sensor->handle % HANDLES] = blr_sensor(name, sensor->rate_mhz, range, range2, sensor->channels,
                                               sensor->bytes_per_sample / sensor->channels);
}

void boardless_recorder_samples(const bl_sensor_t *sensor, const void *codes, const bl_read_t *read) {
  last_sensor = slots[sensor->handle % HANDLES];
  last_taken = (uint32_t)read->first_index + read->count;
  blr_samples(last_sensor, (uint32_t)read->first_index, codes, read->count);
  if (!is_requested) return;
  is_requested = 0;
  blr_dump("request");
}

void boardless_recorder_inference(void) { blr_inference(last_sensor, last_taken); }

void boardless_recorder_decision(uint32_t class_index, float score, const char *label) {
  blr_decision(class_index, score, label, last_sensor, last_taken);
  /* Scores that stay low are dumped once a ring, not once a window. */
  if (score * 1000.0f < (float)(uint32_t)(uintptr_t)__recorder_below && blr_is_new()) blr_dump("low confidence");
}

void boardless_recorder_failed(void) { blr_dump("given up"); }

void boardless_recorder_request(void) { is_requested = 1; }
