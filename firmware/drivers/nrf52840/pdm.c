/* Microphone on the nRF52840's PDM interface: EasyDMA writes one chunk of a ring after the other, an interrupt names the
 * next one. SPDX-License-Identifier: Apache-2.0 */
#include "drivers/nrf52840/pdm.h"

#include <string.h>

#include "drivers/nrf52840/chip.h"
#include "drivers/pace.h"

#define PDM(offset) REG(0x4001d000u + (offset))
#define CLOCK(offset) REG(0x40000000u + (offset))
enum { START = 0x000, STARTED = 0x100, END = 0x108, INTENSET = 0x304, ENABLE = 0x500, PDMCLKCTRL = 0x504,
       MODE = 0x508, GAINL = 0x518, GAINR = 0x51c, RATIO = 0x520, PSEL_CLK = 0x540, PSEL_DIN = 0x544, PTR = 0x560,
       MAXCNT = 0x564 };
enum { HFCLKSTART = 0x000, HFCLKSTARTED = 0x100 };
enum { CHUNK = 256, RATE_MHZ = 16000000 };
static const uint32_t silence_us = 200000; /* a chunk takes 16 ms */

static int16_t own[2 * CHUNK];
static int16_t *ring = own;
static uint32_t chunks = 2;
static volatile uint32_t started; /* chunks that DMA has begun with */
static volatile uint32_t done;    /* chunks that are full */
static uint64_t taken;            /* samples that were read, or lost */
static uint32_t gone;             /* of these: lost, since somebody asked */
static int running;               /* from the first read on: before, there may come another ring */

void pdm_interrupt(void) {
  if (PDM(STARTED)) {
    PDM(STARTED) = 0;
    started++;
    PDM(PTR) = (uint32_t)(uintptr_t)(ring + started % chunks * CHUNK);
  }
  if (PDM(END)) {
    PDM(END) = 0;
    done++;
  }
  (void)PDM(END); /* read back: the events are gone before the interrupt is over */
}

static int start(uint32_t rate_mhz, uint32_t range, uint32_t range2) {
  (void)range2;
  if (rate_mhz != RATE_MHZ || range != 0) return BUS_UNFIT;
  board_power();
  DIRSET(board_pins.pdm_clk) = 1u << (board_pins.pdm_clk & 31);
  PIN_CNF(board_pins.pdm_din) = 0;
  CLOCK(HFCLKSTARTED) = 0;
  CLOCK(HFCLKSTART) = 1; /* PDM needs the crystal */
  for (uint32_t i = 0; i < 100000 && !CLOCK(HFCLKSTARTED); i++) {
  }
  PDM(PSEL_CLK) = board_pins.pdm_clk;
  PDM(PSEL_DIN) = board_pins.pdm_din;
  PDM(PDMCLKCTRL) = 0x08400000; /* 1.032 MHz */
  PDM(RATIO) = 0;               /* through 64: 16.125 kHz */
  PDM(MODE) = 1;                /* mono, left */
  PDM(GAINL) = PDM(GAINR) = 0x28;
  PDM(MAXCNT) = CHUNK;
  PDM(STARTED) = PDM(END) = 0;
  PDM(INTENSET) = 1u | 1u << 2;
  running = 0;
  started = done = gone = 0;
  taken = 0;
  PDM(ENABLE) = 1;
  irq_enable(IRQ_PDM);
  return BL_OK;
}

/* Samples that lie in full chunks, the oldest ones of too many given up: DMA writes over them. */
static uint32_t waiting(void) {
  const uint64_t all = (uint64_t)done * CHUNK;
  const uint32_t most = (chunks - 1) * CHUNK;
  if (all - taken > most) {
    gone += (uint32_t)(all - taken) - most;
    taken = all - most;
  }
  return (uint32_t)(all - taken);
}

static int quiet(void) { return (uint64_t)done * CHUNK == taken; }

static int take(void *to, uint32_t samples) {
  int16_t *out = to;
  if (!running) {
    running = 1;
    PDM(PTR) = (uint32_t)(uintptr_t)ring;
    PDM(START) = 1;
  }
  while (samples > 0) {
    if (quiet() && !pace_sleep(quiet, silence_us)) return BUS_STUCK;
    const uint32_t there = waiting(), at = (uint32_t)(taken % (chunks * CHUNK));
    uint32_t count = samples < there ? samples : there;
    if (count > chunks * CHUNK - at) count = chunks * CHUNK - at;
    memcpy(out, ring + at, count * sizeof *out);
    out += count;
    taken += count;
    samples -= count;
  }
  return BL_OK;
}

static int buffer(void *room, uint32_t bytes) {
  const uint32_t count = bytes / (CHUNK * sizeof *ring);
  if (count < 2 || running) return BUS_UNFIT;
  ring = room;
  chunks = count;
  return BL_OK;
}

static uint32_t lost(void) {
  (void)waiting();
  const uint32_t count = gone;
  gone = 0;
  return count;
}

const bus_driver_t pdm_driver = {"microphone", 1, 2, start, take, buffer, lost};
