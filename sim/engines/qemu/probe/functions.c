/* See functions.h. A shadow stack, told by registers where calls and returns cannot be told by addresses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "functions.h"

#include <stddef.h>

#include "control.h"
#include "ram.h"
#include "registers.h"

enum { FRAMES_MAX = 1024, NO_SYMBOL = 0xffffffffu, NOWHERE = 1 };

struct functions_area *functions;
struct functions_here functions_here = {NO_SYMBOL - 1, NOWHERE, 0};

/* One call that has not returned. Jumps from one function to another (tail calls) stay in it. */
struct frame {
  uint32_t base, node; /* place of the function that was called, and of the one that is executed now */
  uint32_t back, sp;   /* where it returns to */
  uint32_t pending;    /* an exception came between a call and its first instruction */
  bool exception, exact;
};

/* Where the core is. */
struct function_block {
  uint32_t pc, function, link;
  bool entry;
};

static struct call_node *nodes;
static struct code_block *blocks;
static struct frame frames[FRAMES_MAX];
static uint32_t depth;
static uint32_t ordinal, operator_depth;
static uint64_t last_instructions, last_cycles;

void functions_install(void *control_file) {
  char *file = control_file;
  functions = (struct functions_area *)(file + FUNCTIONS_AT);
  nodes = (struct call_node *)(file + functions->nodes_at);
  blocks = (struct code_block *)(file + functions->blocks_at);
}

struct code_block *functions_code(uint32_t pc, uint32_t end) {
  struct code_block *code = &blocks[functions->blocks];
  if (functions->blocks == functions->blocks_max) {
    functions->lost++;
    return NULL;
  }
  functions->blocks++;
  code->pc = pc;
  code->bytes = end - pc;
  return code;
}

/* ---- the tree ---- */

static void spend(uint64_t instructions, uint64_t cycles) {
  struct call_node *n = &nodes[frames[depth - 1].node];
  n->instructions += instructions - last_instructions;
  n->cycles += cycles - last_cycles;
  last_instructions = instructions;
  last_cycles = cycles;
}

static uint32_t child_of(uint32_t parent, uint32_t function, uint32_t number) {
  struct call_node *p = &nodes[parent], *n;
  uint32_t before = 0;
  for (uint32_t i = p->child; i != 0; before = i, i = nodes[i].sibling) {
    if (nodes[i].function != function || nodes[i].ordinal != number) continue;
    if (before != 0) { /* to the front: it is likely the next one too */
      nodes[before].sibling = nodes[i].sibling;
      nodes[i].sibling = p->child;
      p->child = i;
    }
    return i;
  }
  if (functions->nodes == functions->nodes_max) {
    functions->lost++;
    return parent;
  }
  n = &nodes[functions->nodes];
  *n = (struct call_node){.function = function, .parent = parent, .sibling = p->child, .ordinal = number};
  return p->child = functions->nodes++;
}

static void settle(void) {
  functions_here.function = nodes[frames[depth - 1].node].function;
  functions_here.back = frames[depth - 1].back;
}

static void push(uint32_t function, uint32_t back, uint32_t sp, bool exact, bool exception, uint32_t pending) {
  uint32_t parent = frames[depth - 1].node, number = 0, node;
  if (depth == FRAMES_MAX) {
    functions->lost++;
    return;
  }
  if (operator_depth == 0 && !exception && is_operator(function)) {
    number = ++ordinal;
    operator_depth = depth;
  }
  node = child_of(parent, function, number);
  nodes[node].calls++;
  frames[depth++] = (struct frame){node, node, back, sp, pending, exception, exact};
}

static void pop_to(uint32_t left) {
  depth = left;
  if (depth <= operator_depth) operator_depth = 0;
}

/* ---- beginning and end ---- */

static void begin(const struct function_block *b, uint64_t instructions, uint64_t cycles) {
  uint32_t sp, lr;
  bool exact = core_registers(&sp, &lr);
  if (!exact) return; /* no host that we know of: the caller sees that there were no runs */
  if (functions->nodes == 0) {
    nodes[0] = (struct call_node){.function = b->function};
    functions->nodes = 1;
  }
  nodes[0].calls++;
  frames[0] = (struct frame){0, 0, lr & ~1u, sp, 0, false, exact};
  depth = 1;
  ordinal = operator_depth = 0;
  functions->inside = 1;
  last_instructions = instructions;
  last_cycles = cycles;
  settle();
  functions_here.pending = b->link;
}

static void end(void) {
  functions->inside = 0;
  functions->runs++;
  functions_here = (struct functions_here){NO_SYMBOL - 1, NOWHERE, 0};
}

/* ---- what brought the core here ---- */

static bool called(const struct function_block *b, uint32_t lr) {
  /* A block that goes on after a device access follows one that ends in a call, and is not called. */
  return (lr & ~1u) == functions_here.pending && (b->entry || b->function != functions_here.function);
}

static bool returned(const struct function_block *b, uint32_t sp, uint32_t i) {
  return frames[i].back == b->pc && (!frames[i].exact || frames[i].sp == sp);
}

/* The first instruction of a handler: LR says so, and which stack the frame is on. */
static bool interrupted(const struct function_block *b, uint32_t sp, uint32_t lr) {
  uint32_t back = NOWHERE, xpsr;
  bool exact = false;
  const struct frame *top = &frames[depth - 1];
  if (lr < 0xffffff00u || !b->entry) return false;
  if (!(lr & 4) && ram_word(sp + 24, &back) && ram_word(sp + 28, &xpsr)) {
    exact = true;
    sp += (lr & 16 ? 32 : 104) + (xpsr >> 9 & 1 ? 4 : 0);
  }
  back &= ~1u;
  if (!exact) back = NOWHERE;
  if (top->exception && top->back == back && top->sp == sp) return false; /* a handler jumps */
  push(b->function, back, sp, exact, true, functions_here.pending);
  return true;
}

static void jumped(const struct function_block *b) {
  struct frame *top = &frames[depth - 1];
  uint32_t node = top->node;
  /* Back to a function that jumped here, or on to another. */
  for (; nodes[node].function != b->function && node != top->base;) node = nodes[node].parent;
  if (nodes[node].function != b->function) {
    uint32_t number = 0;
    if (operator_depth == 0 && b->entry && is_operator(b->function)) {
      number = ++ordinal;
      operator_depth = depth - 1;
    }
    node = child_of(top->node, b->function, number);
    nodes[node].calls++;
  }
  top->node = node;
}

static void step(const struct function_block *b, uint64_t instructions, uint64_t cycles) {
  uint32_t sp = 0, lr = 0, i;
  if (!functions->inside) {
    if (b->entry && b->function == functions->root) begin(b, instructions, cycles);
    return;
  }
  core_registers(&sp, &lr);
  spend(instructions, cycles);
  if (functions_here.pending != 0) {
    if (called(b, lr)) {
      push(b->function, functions_here.pending, sp, true, false, 0);
      functions_here.pending = b->link;
      settle();
      return;
    }
    if (interrupted(b, sp, lr)) {
      functions_here.pending = b->link;
      settle();
      return;
    }
    functions_here.pending = 0;
  }
  /* The innermost call that returns here; deeper ones were left by other ways. */
  for (i = depth; i > 0 && !returned(b, sp, i - 1);) i--;
  if (i > 0) {
    struct frame left = frames[i - 1];
    pop_to(i - 1);
    if (depth == 0) {
      end();
      return;
    }
    settle();
    if (left.pending != 0) { /* the call that an exception came before */
      functions_here.pending = left.pending;
      if (called(b, lr)) push(b->function, left.pending, sp, true, false, 0);
    }
  } else if (frames[depth - 1].exception && frames[depth - 1].back == NOWHERE && lr < 0xffffff00u && depth > 1 &&
             nodes[frames[depth - 2].node].function == b->function) {
    pop_to(depth - 1); /* from a handler whose frame lies on the process stack */
  }
  if (nodes[frames[depth - 1].node].function != b->function && !interrupted(b, sp, lr)) jumped(b);
  functions_here.pending = b->link;
  settle();
}

void functions_step(uint32_t pc, uint32_t function, bool entry, uint32_t link, uint64_t instructions, uint64_t cycles) {
  const struct function_block b = {pc, function, link, entry};
  step(&b, instructions, cycles);
}
