/* Addresses in every form that a product has them: literals, MOVW and MOVT, tables of pointers, a table that the linker
 * script writes, code in RAM that is called by a jump of the linker's. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

extern uint32_t __stack_top[], __copy_start[], __copy_end[], __bss_start[], __bss_end[];
int main(void);
static int32_t twice(int32_t x) { return 2 * x; }
static int32_t thrice(int32_t x) { return 3 * x; }
int32_t (*g_table[2])(int32_t) = {twice, thrice}; /* pointers to flash, in RAM */
static const char *const names[2] = {"two", "three"};
const char *const *g_names = names + 1;
volatile int32_t g_seen, g_state[8];

__attribute__((noinline, section(".ramfunc"))) int32_t in_ram(int32_t x) { return g_table[x & 1](x) + g_state[3]; }
__attribute__((noinline)) int32_t both(int32_t x) {
  g_state[3] = 100;
  return in_ram(x) + (*g_names)[1];
}
int main(void) {
  for (;;) g_seen = both(g_seen & 7);
}
void Reset_Handler(void) {
  for (uint32_t *entry = __copy_start; entry < __copy_end; entry += 3)
    for (uint32_t i = 0; i < entry[2]; i++) ((uint32_t *)entry[1])[i] = ((uint32_t *)entry[0])[i];
  for (uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
  main();
}
__attribute__((naked)) void HardFault_Handler(void) { __asm volatile("b ."); }
__attribute__((section(".vectors"), used)) void *const vectors[16] = {__stack_top, Reset_Handler, HardFault_Handler,
                                                                      HardFault_Handler};
