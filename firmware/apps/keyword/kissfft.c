/* KissFFT in 16 bits, of the 2020 tree's libraries; a current tree's microfrontend brings its own copy in. */
typedef int boardless_not_empty;
#ifdef BOARDLESS_TFLM_2020
#define FIXED_POINT 16
#include "kiss_fft.c"
#endif
