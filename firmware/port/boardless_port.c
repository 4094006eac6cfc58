/* SPDX-License-Identifier: Apache-2.0 */
#include "boardless_port.h"

#if defined(__GNUC__) || defined(__clang__)
#define BL_KEEP __attribute__((noinline, used))
#define BL_BARRIER() __asm__ volatile("nop" ::: "memory")
#elif defined(__ICCARM__)
#define BL_KEEP __root _Pragma("inline=never")
#define BL_BARRIER() __asm volatile("nop")
#else
#error "boardless_port.c: add this compiler's way to keep a function out of line"
#endif

bl_mailbox_t boardless_mailbox = {BL_PORT_MAGIC, BL_PORT_VERSION, (uint16_t)sizeof(bl_mailbox_t), 0, 0, {0}, {0}, {0}};

/* The engine stops the core here. It must stay a function of its own, with its symbol. */
BL_KEEP void boardless_doorbell(void) { BL_BARRIER(); }

static uint32_t length_of(const char *text) {
  uint32_t n = 0;
  while (text != NULL && n < 255u && text[n] != '\0') n++;
  return n;
}

static uint32_t address_of(const void *p) { return (uint32_t)(uintptr_t)p; }

static int ring(uint32_t op) {
  volatile bl_mailbox_t *box = &boardless_mailbox;
  box->op = op;
  box->status = BL_NO_HOST;
  boardless_doorbell();
  return (int)box->status;
}

static int ring_text(uint32_t op, const char *text, uint32_t value) {
  boardless_mailbox.arg[0] = address_of(text);
  boardless_mailbox.arg[1] = length_of(text);
  boardless_mailbox.arg[2] = value;
  return ring(op);
}

int bl_ready(const char *app) { return ring_text(BL_OP_READY, app, 0); }

int bl_sensor_open(bl_sensor_t *sensor, const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2) {
  int status;
  boardless_mailbox.arg[3] = range;
  boardless_mailbox.arg[4] = range2;
  status = ring_text(BL_OP_OPEN, name, rate_mhz);
  if (status == BL_OK) {
    sensor->handle = boardless_mailbox.result[0];
    sensor->channels = boardless_mailbox.result[1];
    sensor->bytes_per_sample = boardless_mailbox.result[2];
    sensor->rate_mhz = boardless_mailbox.result[3];
  }
  return status;
}

int bl_sensor_buffer(const bl_sensor_t *sensor, void *buffer, uint32_t bytes) {
  boardless_mailbox.arg[0] = sensor->handle;
  boardless_mailbox.arg[1] = address_of(buffer);
  boardless_mailbox.arg[2] = bytes;
  return ring(BL_OP_BUFFER);
}

int bl_sensor_read(const bl_sensor_t *sensor, void *buffer, uint32_t samples, bl_read_t *read) {
  int status;
  boardless_mailbox.arg[0] = sensor->handle;
  boardless_mailbox.arg[1] = address_of(buffer);
  boardless_mailbox.arg[2] = samples;
  status = ring(BL_OP_READ);
  if (status == BL_OK && read != NULL) {
    read->count = boardless_mailbox.result[0];
    read->lost = boardless_mailbox.result[1];
    read->first_index = (uint64_t)boardless_mailbox.result[3] << 32 | boardless_mailbox.result[2];
  }
  return status;
}

int bl_bus_open(const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2, uint32_t *handle) {
  int status;
  boardless_mailbox.arg[3] = range;
  boardless_mailbox.arg[4] = range2;
  status = ring_text(BL_OP_BUS_OPEN, name, rate_mhz);
  if (status == BL_OK) *handle = boardless_mailbox.result[0];
  return status;
}

int bl_bus_take(uint32_t handle, uint32_t samples, uint32_t lost) {
  boardless_mailbox.arg[0] = handle;
  boardless_mailbox.arg[1] = samples;
  boardless_mailbox.arg[2] = lost;
  return ring(BL_OP_BUS_TAKE);
}

int bl_decide(uint32_t class_index, float score, const char *label) {
  union {
    float f;
    uint32_t bits;
  } as;
  as.f = score;
  boardless_mailbox.arg[0] = class_index;
  boardless_mailbox.arg[1] = as.bits;
  boardless_mailbox.arg[2] = address_of(label);
  boardless_mailbox.arg[3] = length_of(label);
  return ring(BL_OP_DECISION);
}

int bl_sleep_ns(uint64_t ns) {
  boardless_mailbox.arg[0] = (uint32_t)ns;
  boardless_mailbox.arg[1] = (uint32_t)(ns >> 32);
  return ring(BL_OP_SLEEP);
}

uint64_t bl_time_ns(void) {
  if (ring(BL_OP_TIME) != BL_OK) return 0;
  return (uint64_t)boardless_mailbox.time_ns[1] << 32 | boardless_mailbox.time_ns[0];
}

int bl_input(uint32_t slot, void *buffer, uint32_t capacity, uint32_t *bytes) {
  int status;
  boardless_mailbox.arg[0] = slot;
  boardless_mailbox.arg[1] = address_of(buffer);
  boardless_mailbox.arg[2] = capacity;
  status = ring(BL_OP_INPUT);
  if (status == BL_OK && bytes != NULL) *bytes = boardless_mailbox.result[0];
  return status;
}

int bl_output(uint32_t slot, const void *data, uint32_t bytes) {
  boardless_mailbox.arg[0] = slot;
  boardless_mailbox.arg[1] = address_of(data);
  boardless_mailbox.arg[2] = bytes;
  return ring(BL_OP_OUTPUT);
}

int bl_exit(int code) {
  boardless_mailbox.arg[0] = (uint32_t)code;
  return ring(BL_OP_EXIT);
}

int bl_fail(const char *why) { return ring_text(BL_OP_FAIL, why, 0); }

int bl_info(const char *key, uint32_t value) { return ring_text(BL_OP_INFO, key, value); }

uint32_t bl_config(const char *key, uint32_t otherwise) {
  if (ring_text(BL_OP_CONFIG, key, 0) != BL_OK) return otherwise;
  return boardless_mailbox.result[0];
}
