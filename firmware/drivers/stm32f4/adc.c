/* An amplifier's voltage on ADC1, channel 1 (PA1): one conversion a tick of a timer of our own. RM0090, "ADC".
 * SPDX-License-Identifier: Apache-2.0 */
#include "drivers/stm32f4/adc.h"

#include <stddef.h>

#include "drivers/pace.h"
#include "drivers/stm32f4/chip.h"

#define ADC(offset) REG(0x40012000u + (offset))
enum { SR = 0x00, CR1 = 0x04, CR2 = 0x08, SMPR2 = 0x10, SQR1 = 0x2c, SQR3 = 0x34, DR = 0x4c, COMMON_CCR = 0x304 };
enum { EOC = 1 << 1, EOCIE = 1 << 5, ADON = 1 << 0, SWSTART = 1 << 30 };
enum { CHANNEL = 1, PIN = 1, MIDDLE = 2048, FASTEST_MHZ = 1000000 };
static const uint32_t patience_us = 5000; /* a conversion takes 24 us */

static int start(uint32_t rate_mhz, uint32_t range, uint32_t range2) {
  (void)range2;
  if (rate_mhz == 0 || rate_mhz > FASTEST_MHZ || range != 0) return BUS_UNFIT;
  RCC(RCC_APB2ENR) |= ENABLE_ADC1;
  pin_analogue(0, PIN);
  ADC(COMMON_CCR) = 1u << 16; /* 84 MHz / 4 */
  ADC(SMPR2) = 7u << 3 * CHANNEL; /* samples for 480 cycles */
  ADC(SQR1) = 0; /* one conversion */
  ADC(SQR3) = CHANNEL;
  ADC(CR1) = EOCIE;
  ADC(CR2) = ADON;
  pacer_start(PACER_ADC, rate_mhz);
  return BL_OK;
}

static int quiet(void) {
  irq_clear(IRQ_ADC); /* of the conversion before, which would end the sleep before it began */
  irq_enable(IRQ_ADC);
  return (ADC(SR) & EOC) == 0;
}

static int take(void *to, uint32_t samples) {
  int16_t *out = to;
  for (uint32_t i = 0; i < samples; i++) {
    pacer_wait(&pacers[PACER_ADC]);
    ADC(CR2) = ADON | SWSTART;
    if (!pace_sleep(quiet, patience_us)) return BUS_STUCK;
    out[i] = (int16_t)((int32_t)(ADC(DR) & 0xfffu) - MIDDLE);
  }
  return BL_OK;
}

static uint32_t lost(void) { return pacer_lost(&pacers[PACER_ADC]); }

const bus_driver_t adc_driver = {"current", 1, 2, start, take, NULL, lost};
