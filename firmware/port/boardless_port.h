/* boardless port, version 1: how firmware talks to a virtual board.
 *
 * One struct in RAM (the mailbox) and one empty function (the doorbell). The firmware fills in a request, calls the
 * doorbell, and reads the answer. The engine stops the core at the doorbell's address, answers, and lets it go on.
 * Nothing else is needed: no interrupt, no peripheral, no host file. On a product board nobody answers; every call
 * then returns BL_NO_HOST and the firmware uses its own drivers.
 *
 * C99, no dependency but <stdint.h> and <stddef.h>. Add boardless_port.c to any build. Not reentrant: call from one
 * context (the main loop, or one task).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_PORT_H
#define BOARDLESS_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BL_PORT_MAGIC 0x314d4c42u /* "BLM1", little-endian */
#define BL_PORT_VERSION 1u

/* The mailbox: 64 bytes, little-endian, symbol `boardless_mailbox`. Versions only ever append fields. */
typedef struct {
  uint32_t magic;      /*  0: BL_PORT_MAGIC */
  uint16_t version;    /*  4: BL_PORT_VERSION */
  uint16_t size;       /*  6: sizeof(bl_mailbox_t) */
  uint32_t op;         /*  8: what is asked for, BL_OP_... */
  int32_t status;      /* 12: the answer, BL_...; BL_NO_HOST while nobody has answered */
  uint32_t arg[6];     /* 16: of the request; addresses are the core's */
  uint32_t result[4];  /* 40: of the answer */
  uint32_t time_ns[2]; /* 56: board time of the answer in ns, low word first */
} bl_mailbox_t;

/* Requests. Text is an address and a length in bytes, UTF-8, at most 255, no final zero needed. */
enum {
  BL_OP_READY = 1,    /* arg: name, length. The firmware has booted. */
  BL_OP_OPEN = 2,     /* arg: sensor name, length, rate in mHz, range (0: the part's widest), range of a second
                         quantity (gyroscope). result: handle, channels, bytes per sample, rate in mHz */
  BL_OP_READ = 3,     /* arg: handle, address, samples. result: samples, lost by overrun, index of the first (low, high).
                         Returns when the last sample asked for exists: board time moves on to that instant. */
  BL_OP_DECISION = 4, /* arg: class, score (float bits), label, length */
  BL_OP_SLEEP = 5,    /* arg: ns low, ns high. Board time moves on. */
  BL_OP_TIME = 6,     /* nothing but time_ns */
  BL_OP_INPUT = 7,    /* arg: slot, address, capacity. result: bytes. BL_END when there is no more. */
  BL_OP_OUTPUT = 8,   /* arg: slot, address, bytes */
  BL_OP_EXIT = 9,     /* arg: code. The run is over. */
  BL_OP_FAIL = 10,    /* arg: text, length. The firmware cannot go on; a failed test with this text. */
  BL_OP_INFO = 11,    /* arg: key, length, value. A figure that only the firmware knows. */
  BL_OP_CONFIG = 12,  /* arg: key, length. result: value. BL_NONE when the test set none. */
  BL_OP_BUFFER = 13,  /* arg: handle, address, bytes. Where samples wait that nobody has read yet. */
  BL_OP_BUS_OPEN = 14, /* as BL_OP_OPEN, of a sensor that is read over the board's own bus */
  BL_OP_BUS_TAKE = 15 /* arg: handle, samples, lost before them. The firmware is about to take samples from the bus. */
};

enum {
  BL_OK = 0,
  BL_END = 1,      /* no more input, no more samples */
  BL_NONE = 2,     /* no such value */
  BL_AGAIN = 3,    /* of bl_exit: the test wants another run; start again as after a reset, or ignore it */
  BL_NO_HOST = -1, /* nobody answered: not on a virtual board */
  BL_BAD = -2      /* the request could not be answered: no such sensor, no such rate */
};

typedef struct {
  uint32_t handle;
  uint32_t channels;         /* values per sample */
  uint32_t bytes_per_sample; /* all channels together */
  uint32_t rate_mhz;         /* output data rate of the part in mHz */
} bl_sensor_t;

typedef struct {
  uint32_t count;       /* samples written to the buffer */
  uint32_t lost;        /* samples that the part's FIFO dropped since the last read */
  uint64_t first_index; /* of the first sample in the buffer, counted from the opening of the sensor */
} bl_read_t;

extern bl_mailbox_t boardless_mailbox;
void boardless_doorbell(void);

int bl_ready(const char *app);
/* Opens a sensor at one of its output data rates; range in the part's units (g, degree/s), 0 for the widest. */
int bl_sensor_open(bl_sensor_t *sensor, const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2);
/* Waits for `samples` samples and writes their raw codes to `buffer` (samples x bytes_per_sample bytes). */
int bl_sensor_read(const bl_sensor_t *sensor, void *buffer, uint32_t samples, bl_read_t *read);
/* Gives the driver of an open sensor a buffer for samples that wait to be read, in place of its own (the buffer size of
 * a PDM driver). A sensor whose samples wait in a FIFO of the part has none: the run fails. */
int bl_sensor_buffer(const bl_sensor_t *sensor, void *buffer, uint32_t bytes);
/* For firmware that reads its sensors over the board's own bus, where the virtual board has models of them: tells that it
 * has opened one (before the part is set up), and that it is about to take samples; `lost`: those that its driver has lost
 * since the last call. Without a host both change nothing. */
int bl_bus_open(const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2, uint32_t *handle);
int bl_bus_take(uint32_t handle, uint32_t samples, uint32_t lost);
/* Reports what the firmware decided: class index, score in 0..1, and its name. */
int bl_decide(uint32_t class_index, float score, const char *label);
int bl_sleep_ns(uint64_t ns);
/* Board time in ns; 0 without a host. */
uint64_t bl_time_ns(void);
/* Takes the next input of a slot; *bytes is what was written. BL_END: there is no more. */
int bl_input(uint32_t slot, void *buffer, uint32_t capacity, uint32_t *bytes);
int bl_output(uint32_t slot, const void *data, uint32_t bytes);
int bl_exit(int code);
int bl_fail(const char *why);
int bl_info(const char *key, uint32_t value);
/* The value of `key` that the test set, else `otherwise`. */
uint32_t bl_config(const char *key, uint32_t otherwise);

#ifdef __cplusplus
}
#endif
#endif
