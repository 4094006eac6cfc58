/* KissFFT of real samples; a file of its own, as its headers have no guards. */
typedef int boardless_not_empty;
#ifdef BOARDLESS_TFLM_2020
#define FIXED_POINT 16
#include "tools/kiss_fftr.c"
#endif
