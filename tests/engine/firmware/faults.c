/* One way to fail per case. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static volatile uint32_t sink;
volatile int zero;

KEEP void fail_undefined(void) { __asm volatile("udf #0"); }
KEEP void fail_bus_read(void) { sink = REG(0xF0000000); }
KEEP void fail_bus_write(void) { REG(0xF0000004) = 1; }
KEEP void fail_execute(void) { ((void (*)(void))0xF0000001)(); }
KEEP void fail_divide(void) {
  REG(0xE000ED14) |= 1u << 4;
  sink = 7 / (zero + 0);
}
KEEP void fail_unaligned(void) { /* LDRD and LDM must be aligned, whatever CCR says */
  uint32_t a, b, at = (uint32_t)(uintptr_t)&sink + 2;
  __asm volatile("ldrd %0, %1, [%2]" : "=r"(a), "=r"(b) : "r"(at));
  sink = a + b;
}
KEEP void fail_unaligned_trap(void) {
  REG(0xE000ED14) |= 1u << 3;
  __asm volatile("dsb\n isb");
  sink = REG((uintptr_t)&sink + 1);
}
KEEP void fail_fpu(void) {
  REG(0xE000ED88) &= ~(0xFu << 20);
  __asm volatile("dsb\n isb\n .inst.w 0xee300a00"); /* vadd.f32 s0, s0, s0 */
}
KEEP void fail_thumb(void) {
  uint32_t to = (uint32_t)(uintptr_t)fail_undefined & ~1u;
  __asm volatile("bx %0" ::"r"(to));
}
KEEP uint32_t fail_overflow(uint32_t depth) {
  volatile uint32_t room[16];
  room[depth % 16] = depth;
  return fail_overflow(depth + 1) + room[3];
}
KEEP void fail_lockup(void) {
  REG(0xE000ED24) &= ~(7u << 16);
  __asm volatile("cpsid f\n udf #0"); /* FAULTMASK: priority of HardFault, so this one has nowhere to go */
}
KEEP void fail_reset(void) {
  REG(0xE000ED0C) = 0x05FA0004;
  for (;;) __asm volatile("nop");
}
KEEP void fail_sleep(void) {
  for (;;) __asm volatile("wfi");
}
KEEP void fail_spin(void) {
  while (!zero) sink++;
}
KEEP void fail_halted(void) {
  say("boardless\nHALTED\n");
  for (;;) __asm volatile("nop");
}
KEEP void abort(void) {
  for (;;) __asm volatile("nop");
}
KEEP void __assert_func(const char *file, int line, const char *function, const char *what) {
  (void)file, (void)line, (void)function, (void)what;
  for (;;) __asm volatile("nop");
}
KEEP void __cxa_pure_virtual(void) {
  for (;;) __asm volatile("nop");
}
KEEP void fail_semihosting(uint32_t operation, const void *block) {
  register uint32_t r0 __asm("r0") = operation;
  register const void *r1 __asm("r1") = block;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}
KEEP void fail_interrupt(void) { /* SysTick, whose handler is an endless loop */
  REG(0xE000E014) = 1000;
  REG(0xE000E018) = 0;
  REG(0xE000E010) = 7;
  for (;;) __asm volatile("nop");
}
KEEP void fail_smashed(void) { /* the frame's return addresses are overwritten before the fault */
  volatile uint32_t here[4];
  for (int i = 0; i < 40; i++) here[i] = 0xA5A5A5A5;
  __asm volatile("mov lr, %0\n udf #1" ::"r"(0xA5A5A5A5));
}
KEEP void fail_lr(void) { /* svc: the fault is in a handler, which interrupted main */
  __asm volatile("svc #0");
}
KEEP void svc_inner(void) { REG(0xF0000000) = 2; }
KEEP void SVC_Handler(void) {
  svc_inner();
  sink++;
}
KEEP void fail_process_stack(void) {
  static uint64_t stack[64];
  __asm volatile("msr psp, %0\n mov r0, #2\n msr control, r0\n isb\n bl fail_bus_read\n" ::"r"(stack + 64) : "r0", "lr");
}
__attribute__((aligned(512))) static uint32_t moved[16];
KEEP void moved_fault(void) {
  for (;;) __asm volatile("nop");
}
KEEP void fail_moved_table(void) { /* handlers that only a table in RAM names */
  for (int i = 0; i < 16; i++) moved[i] = (uint32_t)(uintptr_t)moved_fault;
  REG(0xE000ED08) = (uint32_t)(uintptr_t)moved;
  fail_bus_read();
}
KEEP uint32_t limit_overflow(uint32_t depth) { return fail_overflow(depth); }

KEEP void run_case(void) {
  switch (bare_case) {
    case 1: fail_undefined(); break;
    case 2: fail_bus_read(); break;
    case 3: fail_bus_write(); break;
    case 4: fail_execute(); break;
    case 5: fail_divide(); break;
    case 6: fail_unaligned(); break;
    case 7: fail_unaligned_trap(); break;
    case 8: fail_fpu(); break;
    case 9: fail_thumb(); break;
    case 10: sink = fail_overflow(0); break;
    case 11: fail_lockup(); break;
    case 12: fail_reset(); break;
    case 13: fail_sleep(); break;
    case 14: fail_spin(); break;
    case 15: fail_halted(); break;
    case 16: abort(); break;
    case 17: __assert_func("main.c", 7, "main", "x == 1"); break;
    case 18: __cxa_pure_virtual(); break;
    case 19: return;
    case 20: fail_semihosting(bare_value, (const void *)0x21000000); break;
    case 21: fail_interrupt(); break;
    case 22: fail_smashed(); break;
    case 23: fail_lr(); break;
    case 24: fail_process_stack(); break;
    case 25: fail_moved_table(); break;
    case 26: sink = limit_overflow(0); break;
    case 27: sink = REG(bare_value); break;
    case 28: REG(bare_value) = 1; break;
    default: break;
  }
  __asm volatile("nop");
}

int main(void) {
  say("up\n");
  run_case();
  return (int)sink;
}
