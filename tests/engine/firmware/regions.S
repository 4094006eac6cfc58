/* Functions whose instructions are counted by hand: the number is in the comment, entry to return. Each is called in
 * every way that firmware has. SPDX-License-Identifier: Apache-2.0 */
  .syntax unified
  .thumb
  .text

.macro FUNCTION name
  .global \name
  .type \name, %function
  .thumb_func
\name:
.endm

FUNCTION leaf            /* 3 */
  movs r0, #1
  adds r0, #1
  bx lr

FUNCTION outer           /* 1 + 1 + 3 + 1 + 3 + 1 = 10 */
  push {r4, lr}
  bl leaf
  bl leaf
  pop {r4, pc}

FUNCTION self_loop       /* goes back to its own first instruction: 2 * r0 + 1; called with 5: 11 */
  subs r0, #1
  bne self_loop
  bx lr

/* Recursion in which the innermost call reaches the return address by a branch, not by returning there.
 * n = 3: levels 3, 2, 1 have 6 instructions of their own, level 0 has 4, of which the branch skips the call: 6*3+4 = 22 */
FUNCTION recursive
  push {r4, lr}
  cmp r0, #0
  beq 1f
  subs r0, #1
  bl recursive
1: pop {r4, pc}

FUNCTION tail_caller     /* 1 + 1 + 3 + 1 + 1 + 3 = 10, of which the last 3 are leaf, entered by a branch */
  push {r4, lr}
  bl leaf
  pop {r4, lr}
  nop
  b.w leaf

FUNCTION veneer          /* as the linker's long-branch veneers */
  ldr.w pc, =leaf + 1
  .ltorg

FUNCTION by_pointer      /* leaf through a register: 1 + 1 + 1 + 3 + 1 = 7 */
  push {r4, lr}
  ldr r4, =leaf + 1
  blx r4
  pop {r4, pc}
  .ltorg

FUNCTION jumps_out       /* never returns: restores sp of its caller's caller and goes on at `landing` */
  mov sp, r6
  ldr.w pc, =landing + 1
  .ltorg

FUNCTION calls_out       /* left by a jump from within */
  push {r4, lr}
  bl jumps_out
  pop {r4, pc}

FUNCTION inner_marks     /* falls into the next function: 1 + 3 */
  movs r0, #7
FUNCTION fallen_into     /* 3 */
  movs r0, #1
  adds r0, #1
  bx lr

FUNCTION polls           /* device accesses in mid-block, and a loop into the middle of its first block:
                            1 + 3 * 5 + 1 = 17 */
  ldr r1, =UART
1:movs r2, #3
  ldr r3, [r1, #4]
  nop
  subs r0, #1
  bne 1b
  bx lr
  .ltorg

FUNCTION SVC_Handler     /* 2 */
  movs r0, #9
  bx lr

FUNCTION asks            /* 1 + 2 of the handler + 1 = 4 */
  svc #0
  bx lr

FUNCTION SysTick_Handler /* 5: with a stack of its own, so that frames are not where regions expect their callers */
  push {r4, lr}
  ldr r0, =ticks
  ldr r1, [r0]
  adds r1, #1
  str r1, [r0]
  pop {r4, pc}
  .ltorg

FUNCTION done
  b done

FUNCTION main
  bl leaf
  bl outer
  movs r0, #5
  bl self_loop
  movs r0, #3
  bl recursive
  bl tail_caller
  bl veneer
  bl by_pointer
  mov r6, sp
  movs r5, #0
again:
  bl calls_out           /* twice, from the same place with the same stack */
  nop                    /* it would return here, but does not */
FUNCTION landing
  adds r5, #1
  cmp r5, #2
  blt again
  bl leaf
  bl inner_marks
  movs r0, #3
  bl polls
  bl asks
  bl done

  .bss
  .global ticks
  .align 2
ticks: .space 4
