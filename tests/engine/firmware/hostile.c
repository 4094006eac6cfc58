/* Firmware that uses the port, the UART and the core in ways nobody should. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"
#include "boardless_port.h"

void boardless_console_putc(char c);

static volatile uint32_t sink;
static uint8_t buffer[1024];

KEEP static int ring(uint32_t op, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  boardless_mailbox.op = op;
  boardless_mailbox.arg[0] = a;
  boardless_mailbox.arg[1] = b;
  boardless_mailbox.arg[2] = c;
  boardless_mailbox.arg[3] = d;
  boardless_mailbox.arg[4] = 0;
  boardless_doorbell();
  return (int)*(volatile int32_t *)&boardless_mailbox.status;
}

static uint32_t at(const void *p) { return (uint32_t)(uintptr_t)p; }
static bl_sensor_t imu;
static void open_imu(void) {
  if (bl_sensor_open(&imu, "imu", 119000, 0, 0) != BL_OK) bl_fail("no imu");
}

KEEP uint32_t semihost(uint32_t operation, const void *block) {
  register uint32_t r0 __asm("r0") = operation;
  register const void *r1 __asm("r1") = block;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static const char file[] = "boardless-was-here", command[] = "touch boardless-was-here";

static char *number(char *to, uint32_t n) {
  for (int i = 0; i < 8; i++) *to++ = "0123456789abcdef"[n >> (28 - 4 * i) & 15];
  return to;
}

int main(void) {
  uint32_t v = bare_value;
  switch (bare_case) {
    case 1: for (;;) boardless_console_putc('x');
    case 2: for (;;) boardless_console_putc('\n');
    case 3: for (;;) REG(UART) = 'y';
    case 4: boardless_mailbox.magic = v; bl_ready("x"); break;
    case 5: boardless_mailbox.version = (uint16_t)v; bl_ready("x"); break;
    case 6: ring(v, 0, 0, 0, 0); break;
    case 7: boardless_mailbox.size = (uint16_t)v; bl_ready("x"); break;
    case 8: ring(BL_OP_READY, v, 4, 0, 0); break;                            /* text anywhere */
    case 9: ring(BL_OP_READY, at(file), v, 0, 0); break;                     /* text of any length */
    case 10: open_imu(); ring(BL_OP_READ, 0, v, 8, 0); break;                 /* buffer anywhere */
    case 11: open_imu(); ring(BL_OP_READ, 0, at(buffer), v, 0); break;        /* any number of samples */
    case 12: open_imu(); ring(BL_OP_READ, v, at(buffer), 1, 0); break;        /* any handle */
    case 13: open_imu(); ring(BL_OP_READ, 0, at(&boardless_mailbox) - 8, 8, 0); bl_ready("x"); break;
    case 14: ring(BL_OP_DECISION, 0, v, at(file), 4); break;                  /* any score */
    case 15: ring(BL_OP_SLEEP, v, v, 0, 0); break;
    case 16: ring(BL_OP_OUTPUT, 0, v, 64, 0); break;
    case 17: ring(BL_OP_OUTPUT, 0, at(buffer), v, 0); break;
    case 18: for (;;) ring(BL_OP_OUTPUT, 0, 0x20000000 ? at(buffer) : 0, sizeof buffer, 0);
    case 19: for (;;) ring(BL_OP_DECISION, 0, 0, at(file), 4);
    case 20:
      for (uint32_t i = 0;; i++) {
        char key[9] = {0};
        number(key, i);
        bl_info(key, i);
      }
    case 21: for (uint32_t i = 0; i < v; i++) open_imu(); say("opened\n"); break;
    case 22: ring(BL_OP_OPEN, at(file), v, 119000, 0); break;
    case 23: ring(BL_OP_OPEN, at("imu"), 3, v, 0); break;                     /* any rate */
    case 24: ring(BL_OP_OPEN, at("imu"), 3, 119000, v); break;                /* any range */
    case 25: ring(BL_OP_INPUT, 0, v, 64, 0); break;
    case 26: { /* SYS_OPEN for writing, SYS_WRITE0, SYS_SYSTEM, SYS_REMOVE, SYS_EXIT */
      const uint32_t open[3] = {at(file), 4, sizeof file - 1}, system[2] = {at(command), sizeof command - 1};
      if (v == 1) semihost(0x01, open);
      if (v == 4) semihost(0x04, file);
      if (v == 0x12) semihost(0x12, system);
      if (v == 0x0E) semihost(0x0E, open);
      if (v == 0x18) semihost(0x18, (const void *)0x20026);
      break;
    }
    case 27: /* the doorbell's own code */
      *(volatile uint16_t *)((uintptr_t)boardless_doorbell & ~1u) = 0xDE00;
      bl_ready("x");
      break;
    case 28: /* jumps into the middle of it */
      __asm volatile("bl boardless_doorbell + 2" ::: "r0", "r1", "r2", "r3", "r12", "lr", "memory");
      say("back\n");
      break;
    case 29: for (;;) bl_time_ns();
    case 30: bl_exit((int)v); break;
    case 31: for (;;) bl_sleep_ns(0);
    default: break;
  }
  sink++;
  say("still there\n");
  for (;;) __asm volatile("nop");
}
