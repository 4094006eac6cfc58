/* See stack.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stack.h"

#include "ram.h"

enum { SP = 13 };

struct stack_area *stack_area;

void stack_install(void *control_file) { stack_area = (struct stack_area *)((char *)control_file + STACK_AT); }

void stack_translate(struct stack_store *s, uint32_t pc, const uint16_t half[2], size_t size) {
  s->pc = pc;
  if (size == 2) /* PUSH (A7.7.101), STR SP-relative (A7.7.161) */
    s->by_sp = (half[0] & 0xfe00) == 0xb400 || (half[0] & 0xf800) == 0x9000;
  else /* in every 32-bit store the base register is here */
    s->by_sp = (half[0] & 15) == SP;
  /* MSR PSP (B5.2.3), also that of the other security state. */
  if (size == 4 && (half[0] & 0xfff0) == 0xf380 && (half[1] & 0xff00) == 0x8800 && (half[1] & 0x7f) == 9)
    stack_area->tasks = 1;
}

/* A handler begins with EXC_RETURN in LR; any other function begins with an address there (in its middle LR may hold
 * anything). It has returned when the stack pointer is above where it was then, the frame being gone; a tail-chained
 * handler has the same frame. */
void stack_block(uint32_t sp, uint32_t lr, bool function) {
  struct stack_area *a = stack_area;
  uint32_t xpsr = 0;
  if (a->handler_sp != 0 && (sp > a->handler_sp || sp < a->low)) a->handler_sp = 0;
  if (!function || a->handler_sp != 0 || lr < 0xffffff80u || (lr & 2) || sp < a->low || sp > a->top) return;
  a->handler_sp = a->handler_base = sp;
  if (!(lr & 4)) { /* the frame is here: 8 words, with the FPU's 26, and one more where it had to be aligned (B1.5.7) */
    a->handler_base += lr & 16 ? 32 : 104;
    if (ram_word(sp + 28, &xpsr) && (xpsr & 1u << 9)) a->handler_base += 4;
  }
  if (a->handler_base - sp > a->handler_most) a->handler_most = a->handler_base - sp;
}

static void note(struct stack_area *a, uint32_t address) {
  if (a->handler_sp == 0) {
    if (address < a->thread_lowest) a->thread_lowest = address;
  } else if (address < a->handler_base && a->handler_base - address > a->handler_most) {
    a->handler_most = a->handler_base - address;
  }
}

bool stack_stored(const struct stack_store *s, uint32_t address, uint32_t sp) {
  struct stack_area *a = stack_area;
  if (address >= a->low) {
    if (address >= a->top) return false;
    if (address < a->lowest) a->lowest = address;
    note(a, address);
    return false;
  }
  if (a->tasks || a->address != 0 || address < a->floor) return false;
  /* Data below the stack is written all the time; what is written at or above the stack pointer is stack. */
  if (!s->by_sp && (sp == 0 || address < sp)) return false;
  a->address = address;
  a->pc = s->pc;
  return true;
}
