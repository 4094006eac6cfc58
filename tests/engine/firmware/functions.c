/* Functions to call, replace and watch, for the twins and for machines with the board's own addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>

#define KEEP __attribute__((noinline, noclone, used))

typedef enum { RED, GREEN } colour;
struct pair {
  int32_t a, b;
};

volatile uint32_t g_state, g_out;
volatile uint32_t g_sum;
volatile float g_scaled;
volatile uint8_t g_byte;
int32_t table[4] = {10, 20, 30, 40}; /* in .data: has its values only when start-up code has run */
int16_t place[64];

KEEP int32_t add4(int32_t a, int32_t b, int32_t c, int32_t d) { return a + 2 * b + 3 * c + 4 * d; }
KEEP int32_t many(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, uint64_t f, int8_t g) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * (int32_t)(f >> 32) + 7 * g;
}
KEEP uint64_t mix64(uint32_t a, uint64_t b, uint32_t c) { return b * a + c; }
KEEP int64_t minus64(int64_t a) { return -a; }
KEEP float scale(float x, float y) { return x * y; }
KEEP double halve(double x) { return x / 2; }
KEEP float gaps(float a, double b, float c, int32_t d, float e) { return a + (float)b * 2 + c * 4 + (float)d * 8 + e * 16; }
KEEP int8_t narrow(int8_t a, uint8_t b) { return (int8_t)(a - b); }
KEEP bool is_green(colour c) { return c == GREEN; }
KEEP int32_t sum(const int32_t *p, uint32_t n) {
  int32_t s = 0;
  for (uint32_t i = 0; i < n; i++) s += p[i];
  return s;
}
KEEP void negate(int16_t *p, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) p[i] = (int16_t)-p[i];
}
KEEP uint32_t length(const char *text) {
  uint32_t n = 0;
  while (text[n]) n++;
  return n;
}
KEEP int32_t from_table(uint32_t i) { return table[i]; }
KEEP int32_t of_pair(struct pair p) { return p.a - p.b; }
KEEP int32_t caller_of_pair(void) { return of_pair((struct pair){1, 2}); }
KEEP struct pair make_pair(int32_t a) { return (struct pair){a, a + 1}; }
KEEP bool not_it(bool it) { return !it; }
KEEP double sum_of(uint32_t n, ...) {
  __builtin_va_list rest;
  double all = 0;
  __builtin_va_start(rest, n);
  while (n--) all += __builtin_va_arg(rest, double);
  __builtin_va_end(rest);
  return all;
}
KEEP void nothing(void) { __asm volatile(""); }
KEEP void spin(void) {
  for (;;) __asm volatile("nop");
}
KEEP int32_t crash(int32_t a) { return a / (a - a) + *(volatile int32_t *)0xf0000000; }
__attribute__((naked, used, noinline)) void rude(void) { __asm volatile("movs r4, #1\n bx lr"); }
KEEP void store_it(uint32_t value) {
  uint32_t twice = value + value;
  __asm volatile("nop\n nop");
  g_byte = (uint8_t)twice;
  __asm volatile("nop");
}
static inline __attribute__((always_inline)) int32_t swallowed(int32_t a) { return a + 1; }

KEEP int32_t imu_read(int32_t x) { return x * 7; }
KEEP float imu_scale(float x) { return x * 0.5f; }
KEEP uint64_t imu_time(void) { return 5; }

/* Floats that live in registers over many blocks. */
KEEP uint32_t busy(uint32_t seed) {
  float a = 0.25f, b = (float)seed;
  uint32_t hash = seed;
  for (uint32_t i = 0; i < 40; i++) {
    a += b * 0.125f;
    if (i & 1) b -= 0.5f;
    hash = (hash ^ (uint32_t)(int32_t)(a * 4)) * 16777619u;
    if (hash & 0x100) hash += i;
  }
  return hash;
}

int main(void) {
  for (uint32_t k = 0;; k++) {
    g_out = (uint32_t)swallowed(imu_read((int32_t)k)) + (uint32_t)imu_time();
    g_scaled = imu_scale((float)k);
    g_sum = busy(k);
    store_it(k);
    g_state = k;
  }
}
