// The microfrontend's FFT: KissFFT in 16 bits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define fprintf(...) ((void)0)

#include "tensorflow/lite/experimental/microfrontend/lib/fft.cc"
#include "tensorflow/lite/experimental/microfrontend/lib/fft_util.cc"
