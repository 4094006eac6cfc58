/* The recorder as an option of the build (docs/field.md): off, none of this is in the image.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_RUNTIME_RECORDER_H
#define BOARDLESS_RUNTIME_RECORDER_H
#include <stdint.h>

#include "boardless_port.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef BOARDLESS_RECORDER
void boardless_recorder_start(void);
void boardless_recorder_sensor(const bl_sensor_t *sensor, const char *name, uint32_t range, uint32_t range2);
void boardless_recorder_samples(const bl_sensor_t *sensor, const void *codes, const bl_read_t *read);
void boardless_recorder_inference(void);
void boardless_recorder_decision(uint32_t class_index, float score, const char *label);
void boardless_recorder_failed(void);
/* Asks for a dump; from a button's or a UART's interrupt, say. It comes when the app has read its next samples. */
void boardless_recorder_request(void);
#else
static inline void boardless_recorder_sensor(const bl_sensor_t *sensor, const char *name, uint32_t range,
                                             uint32_t range2) {
  (void)sensor, (void)name, (void)range, (void)range2;
}
static inline void boardless_recorder_samples(const bl_sensor_t *sensor, const void *codes, const bl_read_t *read) {
  (void)sensor, (void)codes, (void)read;
}
static inline void boardless_recorder_inference(void) {}
static inline void boardless_recorder_decision(uint32_t class_index, float score, const char *label) {
  (void)class_index, (void)score, (void)label;
}
static inline void boardless_recorder_failed(void) {}
#endif

#ifdef __cplusplus
}
#endif
#endif
