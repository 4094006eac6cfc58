/* Calls, jumps, returns and exceptions that a shadow stack has to tell apart. SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static volatile uint32_t sum, ticks;
uint32_t saved[2];

KEEP void leaf(uint32_t n) {
  for (uint32_t i = 0; i < n; i++) sum += i;
}

/* The callee of a recursion runs into the very address that its caller's call returns to. */
KEEP void fall(uint32_t n);
__asm(
    ".thumb_func\n.type fall, %function\nfall:\n"
    " push {r4, lr}\n mov r4, r0\n cmp r0, #0\n beq 1f\n"
    " subs r0, r0, #1\n bl fall\n"
    "1: cmp r4, #0\n bne 2f\n"
    " movs r0, #3\n bl leaf\n"
    "2: pop {r4, pc}\n .size fall, . - fall\n");

KEEP void jumper(void);
__asm(
    ".thumb_func\n.type jumper, %function\njumper:\n"
    " movs r0, #5\n b leaf\n .size jumper, . - jumper\n");

/* As setjmp and longjmp do it: back over two calls at once. */
KEEP void catcher(void);
__asm(
    ".thumb_func\n.type catcher, %function\ncatcher:\n"
    " push {r4, lr}\n movs r0, #2\n bl leaf\n"
    " ldr r1, =saved\n ldr r0, [r1]\n mov sp, r0\n ldr r0, [r1, #4]\n bx r0\n"
    " .ltorg\n .size catcher, . - catcher\n");
KEEP void thrower(void);
__asm(
    ".thumb_func\n.type thrower, %function\nthrower:\n"
    " push {r4, lr}\n"
    " ldr r1, =saved\n mov r0, sp\n str r0, [r1]\n adr r0, 1f\n adds r0, r0, #1\n str r0, [r1, #4]\n"
    " bl catcher\n nop\n"
    " .balign 4\n1: pop {r4, pc}\n .ltorg\n .size thrower, . - thrower\n");

KEEP void root(void) {
  leaf(10);
  fall(2);
  jumper();
  thrower();
  leaf(1);
}

void SysTick_Handler(void) { ticks++; }

int main(void) {
  if (bare_case) {
    REG(0xE000E014) = 40; /* every few blocks, so that one comes between a call and what it calls */
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 7;
  }
  root();
  root();
  REG(0xE000E010) = 0;
  say("done\n");
  for (;;) __asm volatile("nop");
}
