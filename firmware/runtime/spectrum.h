// Log spectra in integers: window, real FFT, power, bands, logarithm. SPDX-License-Identifier: Apache-2.0
//
// sim/features/spectrum.py has the same arithmetic for training; tests compare them code by code. No float, no table
// but a quarter of a sine, no allocation. N is a power of two up to 2048; input is int16, nothing overflows: values
// grow by at most one bit a stage, 16 + 11 bits in all.
#pragma once
#include <cstdint>

#include "sine_table.h"

namespace boardless {

struct Complex {
  int32_t re, im;
};

// sin(2 pi k / 2048) in Q15, any k >= 0.
inline int32_t sine(uint32_t k) {
  k &= 2047;
  const bool below = k >= 1024;
  if (below) k -= 1024;
  const int32_t value = kQuarterSine[k <= 512 ? k : 1024 - k];
  return below ? -value : value;
}
inline int32_t cosine(uint32_t k) { return sine(k + 512); }

// a * b / 2^15, to the nearest.
inline int32_t times_q15(int32_t a, int32_t b) {
  return static_cast<int32_t>((static_cast<int64_t>(a) * b + (1 << 14)) >> 15);
}
inline Complex times(Complex a, int32_t c, int32_t s) {  // a * (c - i s)
  const int64_t re = static_cast<int64_t>(a.re) * c + static_cast<int64_t>(a.im) * s;
  const int64_t im = static_cast<int64_t>(a.im) * c - static_cast<int64_t>(a.re) * s;
  return {static_cast<int32_t>((re + (1 << 14)) >> 15), static_cast<int32_t>((im + (1 << 14)) >> 15)};
}

// Complex FFT in place, M points (power of two, at most 1024), no scaling.
template <uint32_t M> void fft(Complex* x) {
  for (uint32_t i = 1, j = 0; i < M; i++) {
    uint32_t bit = M >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const Complex kept = x[i];
      x[i] = x[j];
      x[j] = kept;
    }
  }
  for (uint32_t half = 1; half < M; half <<= 1) {
    const uint32_t step = 1024 / half;  // of the angle, in 2048ths of a turn
    for (uint32_t k = 0; k < half; k++) {
      const int32_t c = cosine(k * step), s = sine(k * step);
      for (uint32_t i = k; i < M; i += 2 * half) {
        const Complex a = x[i], b = times(x[i + half], c, s);
        x[i] = {a.re + b.re, a.im + b.im};
        x[i + half] = {a.re - b.re, a.im - b.im};
      }
    }
  }
}

// log2 of x in 256ths, rounded down; 0 for 0.
inline int32_t log2_q8(uint64_t x) {
  if (x == 0) return 0;
  int32_t whole = 63;
  while (!(x >> 63)) {
    x <<= 1;
    whole--;
  }
  uint32_t m = static_cast<uint32_t>(x >> 32);  // 1..2 in Q31
  int32_t result = whole << 8;
  for (int32_t bit = 128; bit; bit >>= 1) {
    const uint64_t square = static_cast<uint64_t>(m) * m;  // Q62
    if (square >> 63) {
      result |= bit;
      m = static_cast<uint32_t>(square >> 32);
    } else {
      m = static_cast<uint32_t>(square >> 31);
    }
  }
  return result;
}

// Power spectrum of N samples: Hann window, then |X|^2 of the bins 0..N/2.
template <uint32_t N> class PowerSpectrum {
 public:
  static constexpr uint32_t kBins = N / 2 + 1;

  // `samples`: N of them; `power`: kBins values. The mean is taken off first.
  void operator()(const int16_t* samples, uint64_t* power) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < N; i++) sum += samples[i];
    const int32_t mean = sum / static_cast<int32_t>(N);
    for (uint32_t i = 0; i < N / 2; i++) {
      x_[i].re = windowed(samples[2 * i] - mean, 2 * i);
      x_[i].im = windowed(samples[2 * i + 1] - mean, 2 * i + 1);
    }
    fft<N / 2>(x_);
    // Even samples went into the real part, odd ones into the imaginary part: take the two spectra apart.
    for (uint32_t k = 0; k < kBins; k++) {
      const Complex a = x_[k % (N / 2)], b = x_[(N / 2 - k) % (N / 2)];
      const Complex even = {a.re + b.re, a.im - b.im};  // twice
      const Complex odd = times({a.im + b.im, b.re - a.re}, cosine(k * (2048 / N)), sine(k * (2048 / N)));
      const int64_t re = (static_cast<int64_t>(even.re) + odd.re) >> 1, im = (static_cast<int64_t>(even.im) + odd.im) >> 1;
      power[k] = static_cast<uint64_t>(re * re) + static_cast<uint64_t>(im * im);
    }
  }

 private:
  // Hann: sin^2(pi i / N) in Q15.
  static int32_t windowed(int32_t sample, uint32_t i) {
    const int32_t s = sine(i * (1024 / N) + (N > 1024 ? i / 2 : 0));
    return times_q15(sample, times_q15(s, s));
  }
  Complex x_[N / 2];
};

// A band with triangular weights in 256ths from bin edges[0] over edges[1] to edges[2], rising. Result: log2 in 256ths
// of the weighted power, whose sum over all bins stays below 2^62.
inline int32_t log_band(const uint64_t* power, const int32_t* edges) {
  const int32_t from = edges[0], top = edges[1], to = edges[2];
  uint64_t sum = 0;
  for (int32_t k = from + 1; k < to; k++) {
    const uint32_t weight = k <= top ? ((k - from) << 8) / (top - from) : ((to - k) << 8) / (to - top);
    sum += power[k] * weight;
  }
  return log2_q8(sum);
}

}  // namespace boardless
