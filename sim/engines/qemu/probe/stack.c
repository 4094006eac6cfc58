/* See stack.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stack.h"

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

bool stack_stored(const struct stack_store *s, uint32_t address, uint32_t sp) {
  struct stack_area *a = stack_area;
  if (address >= a->low) {
    if (address < a->top && address < a->lowest) a->lowest = address;
    return false;
  }
  if (a->tasks || a->address != 0 || address < a->floor) return false;
  /* Data below the stack is written all the time; what is written at or above the stack pointer is stack. */
  if (!s->by_sp && (sp == 0 || address < sp)) return false;
  a->address = address;
  a->pc = s->pc;
  return true;
}
