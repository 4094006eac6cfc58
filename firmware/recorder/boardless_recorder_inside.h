/* What the files of the recorder share; firmware takes in boardless_recorder.h only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_RECORDER_INSIDE_H
#define BOARDLESS_RECORDER_INSIDE_H

#include "boardless_recorder.h"

/* A record: a head (length in 20 bits, kind in 4, sensor in 8; value) and bytes. */
enum { BLR_SENSORS = 4, BLR_HEAD = 8, BLR_RECORD_MOST = 0xfffff };
enum { BLR_SAMPLES = 1, BLR_DECISION = 2, BLR_INFERENCE = 3 };

typedef struct {
  uint8_t *ring;
  uint32_t size, head, used; /* the oldest record begins at head */
  uint32_t unseen;           /* bytes since the last dump; all that there are while there was none */
  const char *app;
  const uint8_t *build_id;
  uint32_t build_id_bytes, stack_top;
  void (*put)(char);
  struct {
    const char *name;
    uint32_t rate_mhz, range, range2, channels, width;
    uint32_t cut_reads, cut_samples; /* reads that did not fit whole since the opening, and what of them was left out */
  } sensor[BLR_SENSORS];
  uint32_t sensors;
  uint32_t line, crc; /* of the dump that is under way */
} blr_state_t;
extern blr_state_t blr_state;

/* Of the ring, from its oldest record on. */
uint8_t blr_at(uint32_t offset);
uint32_t blr_word_at(uint32_t offset);

/* A line: its kind, fields, its end. */
void blr_line(char kind);
void blr_put(char c);
void blr_put_hex(uint32_t value);
void blr_put_byte(uint8_t byte);
void blr_word(uint32_t value); /* a field in hex */
void blr_end_line(void);

void blr_header(const char *trigger);
void blr_records(void); /* all of the ring, and the end of the dump */

#endif
