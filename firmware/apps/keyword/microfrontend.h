/* TFLM's audio microfrontend, out of the tree, as the keyword model was trained with it: 40 values every 20 ms. */
#ifndef MICROFRONTEND_H
#define MICROFRONTEND_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FRONTEND_CHANNELS = 40 };

/* (Re)starts it; 0: there is not enough heap. */
int frontend_start(void);
/* Takes samples of 16 kHz sound; *used of them. 1: `values` has a new frame, 0: it wants more. */
int frontend_take(const int16_t *samples, size_t count, size_t *used, int8_t values[FRONTEND_CHANNELS]);

#ifdef __cplusplus
}
#endif
#endif
