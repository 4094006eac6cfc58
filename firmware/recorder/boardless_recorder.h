/* boardless recorder: keeps a device's last samples and decisions, and dumps them as text when something is wrong.
 *
 * C99, no dependency but <stdint.h> and <stddef.h>. Copy this folder into a build: boardless_recorder_ring.c and _dump.c,
 * and _fault.c for the fault handler (Armv7-M, Armv8-M). Give it RAM that is free, and a function that sends one character
 * (a UART, a file). It is off as long as nobody calls blr_init: raw samples leave the
 * device only where its owner chose so. Not reentrant: call it from one context; blr_dump may come from a fault handler.
 * What it sends is described in docs/field.md; `boardless field import` reads it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_RECORDER_H
#define BOARDLESS_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `memory`: the ring; the oldest reads are given up as it fills. Of a read that is larger than the ring (less 56 bytes)
 * the last samples are kept, and the dump says how many were not. `build_id`: the
 * bytes of the image's GNU build id, or NULL. `stack_top`: up to where a fault dumps the stack, 0: not at all. */
void blr_init(void *memory, uint32_t bytes, const char *app, const uint8_t *build_id, uint32_t build_id_bytes,
              uint32_t stack_top, void (*put)(char));
/* A sensor as it was set up; at most four. Returns its number, -1 when there is no room. Opened again, it has the same
 * number, and the ring is emptied. */
int blr_sensor(const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2, uint32_t channels, uint32_t width);
/* Codes of one read: `samples` of them from index `first` on, counted from the opening of the sensor. */
void blr_samples(int sensor, uint32_t first, const void *codes, uint32_t samples);
/* What was decided, after so many samples of a sensor. */
void blr_decision(uint32_t class_index, float score, const char *label, int sensor, uint32_t samples);
/* The model ran, after so many samples of a sensor. Where it runs every so many, a replay can do it at the same ones. */
void blr_inference(int sensor, uint32_t samples);
/* Send all of it; `trigger` says why. */
void blr_dump(const char *trigger);
/* Whether at least half of a full ring has come since the last dump (1 before the first): for triggers that last. */
int blr_is_new(void);
/* A fault handler for Armv7-M and Armv8-M, on a stack of its own: registers, fault registers, stack, then all the rest.
 * Then it calls
 * blr_after_fault(), which loops for ever unless the firmware has its own (a reset, say). */
void blr_fault_handler(void);
void blr_after_fault(void);

#ifdef __cplusplus
}
#endif
#endif
