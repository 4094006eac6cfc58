/* The tree's microfrontend compiled in, so that no list of its sources is needed: window, filter bank, noise reduction,
 * automatic gain (PCAN), logarithm. Its settings are those of upstream's micro_speech. SPDX-License-Identifier: Apache-2.0 */
#include "microfrontend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its complaints would pull the C library's printf in; the return value says as much. */
#define fprintf(...) ((void)0)

#include "tensorflow/lite/experimental/microfrontend/lib/filterbank.c"
#include "tensorflow/lite/experimental/microfrontend/lib/filterbank_util.c"
#include "tensorflow/lite/experimental/microfrontend/lib/frontend.c"
#include "tensorflow/lite/experimental/microfrontend/lib/frontend_util.c"
#include "tensorflow/lite/experimental/microfrontend/lib/log_lut.c"
#include "tensorflow/lite/experimental/microfrontend/lib/log_scale.c"
#include "tensorflow/lite/experimental/microfrontend/lib/log_scale_util.c"
#include "tensorflow/lite/experimental/microfrontend/lib/noise_reduction.c"
#include "tensorflow/lite/experimental/microfrontend/lib/noise_reduction_util.c"
#include "tensorflow/lite/experimental/microfrontend/lib/pcan_gain_control.c"
#include "tensorflow/lite/experimental/microfrontend/lib/pcan_gain_control_util.c"
#include "tensorflow/lite/experimental/microfrontend/lib/window.c"
#include "tensorflow/lite/experimental/microfrontend/lib/window_util.c"

static struct FrontendState state;

int frontend_start(void) {
  static int populated;
  if (populated) {
    FrontendReset(&state);
    return 1;
  }
  struct FrontendConfig config;
  FrontendFillConfigWithDefaults(&config);
  config.window.size_ms = 30;
  config.window.step_size_ms = 20;
  config.filterbank.num_channels = FRONTEND_CHANNELS;
  config.filterbank.lower_band_limit = 125.0f;
  config.filterbank.upper_band_limit = 7500.0f;
  config.noise_reduction.smoothing_bits = 10;
  config.noise_reduction.even_smoothing = 0.025f;
  config.noise_reduction.odd_smoothing = 0.06f;
  config.noise_reduction.min_signal_remaining = 0.05f;
  config.pcan_gain_control.enable_pcan = 1;
  config.pcan_gain_control.strength = 0.95f;
  config.pcan_gain_control.offset = 80.0f;
  config.pcan_gain_control.gain_bits = 21;
  config.log_scale.enable_log = 1;
  config.log_scale.scale_shift = 6;
  populated = FrontendPopulateState(&config, &state, 16000);
  return populated;
}

int frontend_take(const int16_t *samples, size_t count, size_t *used, int8_t values[FRONTEND_CHANNELS]) {
  const struct FrontendOutput output = FrontendProcessSamples(&state, samples, count, used);
  for (size_t i = 0; i < output.size; i++) {
    /* As upstream: 0..670 onto int8. */
    const int32_t value = ((int32_t)output.values[i] * 256 + 333) / 666 - 128;
    values[i] = (int8_t)(value > 127 ? 127 : value);
  }
  return output.size > 0;
}
