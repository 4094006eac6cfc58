/* Handlers as an RTOS has them: over tasks on the process stack, and a switch of tasks. The number of instructions of each
 * is counted by hand: it is in the comment, entry to the end of its exception. SPDX-License-Identifier: Apache-2.0 */
  .syntax unified
  .thumb
  .text

.equ ICSR, 0xE000ED04
.equ NMI, 0x80000000
.equ PENDSV, 0x10000000
.equ SYSTICK, 0x04000000

.macro FUNCTION name
  .global \name
  .type \name, %function
  .thumb_func
\name:
.endm

.macro PEND exception     /* what it interrupts is no place that a call returns to */
  ldr r0, =ICSR
  mov r1, #\exception
  str r1, [r0]
  dsb
  isb
  adds r2, #1
  adds r2, #1
.endm

.macro TICK then=0        /* SysTick, which does that */
  ldr r0, =what
  mov r1, #\then
  str r1, [r0]
  PEND SYSTICK
.endm

FUNCTION NMI_Handler      /* 2 */
  nop
  bx lr

FUNCTION SVC_Handler      /* 4; where it starts the first task 10 */
  ldr r1, =start
  ldr r0, [r1]
  cbnz r0, 1f
  bx lr
1:movs r0, #0
  str r0, [r1]
  ldr r0, =first
  msr psp, r0
  isb
  mvn lr, #2
  bx lr

FUNCTION SysTick_Handler  /* 5; with something to do 13, of which an NMI is not; where it jumps 10, and 4 of SVC_Handler */
  push {r4, lr}
  ldr r4, =what
  ldr r1, [r4]
  cbz r1, 1f
  movs r0, #0
  str r0, [r4]
  cmp r1, #1
  beq 2f
  ldr r0, =ICSR
  str r1, [r0]
  dsb
  isb
1:pop {r4, pc}
2:pop {r4, lr}
  b.w SVC_Handler

FUNCTION PendSV_Handler   /* 13: the other task goes on */
  mrs r0, psp
  stmdb r0!, {r4-r11, lr}
  ldr r1, =saved
  ldr r2, =current
  ldr r3, [r2]
  str r0, [r1, r3, lsl #2]
  eor r3, r3, #1
  str r3, [r2]
  ldr r0, [r1, r3, lsl #2]
  ldmia r0!, {r4-r11, lr}
  msr psp, r0
  isb
  bx lr

FUNCTION main
  TICK
  TICK SYSTICK
  movs r0, #0
  msr control, r0         /* start-up code has used floating-point registers on some cores: the first task has not */
  isb
  svc #0
FUNCTION one
  TICK
  svc #0
#ifdef __ARM_FP
  vmov s0, r0
#endif
  TICK
  sub sp, #4
  TICK
  add sp, #4
  TICK NMI
  TICK 1
  TICK SYSTICK
  TICK PENDSV
  TICK
  b done

FUNCTION other
  movs r7, #100
1:subs r7, #1
  bne 1b
  svc #0
  PEND PENDSV

FUNCTION done
  b done
  .ltorg

  .data
  .align 3
saved: .word 0, context
current: .word 0
what: .word 0
start: .word 1
  .space 512
context:
  .word 4, 5, 6, 7, 8, 9, 10, 11, 0xFFFFFFFD
  .word 0, 1, 2, 3, 12, 0, other, 0x01000000
  .space 64

  .space 480
first: .word 0, 1, 2, 3, 12, 0, one, 0x01000000
