/* The probe: a QEMU TCG plugin that counts instructions and stops the core at symbols.
 *
 * One .so for QEMU 7.2 to 11. No header of QEMU is used: Debian ships none, and no constant API version fits all.
 * The few functions needed are declared here and looked up with dlsym; qemu_plugin_version is set by a constructor,
 * before QEMU reads it.
 *
 * The runner (Python) shares one memory file with the probe (struct control, see layout.py for the same offsets) and
 * one socket. At a stop the probe writes one byte and blocks until the runner answers with one byte; while it blocks
 * the core stands still at the first instruction of a block, with all registers in QEMU's CPU state.
 * When the socket closes, QEMU ends: nothing is left running when the runner is killed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "timing.h"

#include "access.h"
#include "codemap.h"
#include "flash.h"
#include "functions.h"
#include "stack.h"
#include "steer.h"

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- what we know of QEMU's plugin interface ---- */
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct scoreboard_u64 { /* qemu_plugin_u64, passed by value */
  void *score;
  size_t offset;
};
enum { CB_NO_REGS = 0, CB_R_REGS = 1, INLINE_ADD_U64 = 0, MEM_R = 1, MEM_W = 2 };

EXPORT int qemu_plugin_version = 1;

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
extern void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn); /* where it lies in this process */
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, void (*)(unsigned, uint32_t, uint64_t, void *),
                                             int, int, void *);
extern bool qemu_plugin_mem_is_store(uint32_t info);
extern unsigned qemu_plugin_mem_size_shift(uint32_t info);

/* These changed shape between versions, so they are only ever called through a cast. */
static void *symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

__attribute__((constructor)) static void choose_version(void) {
  const char *given = getenv("BOARDLESS_PROBE_API"); /* the runner, after QEMU refused a version */
  if (given != NULL)
    qemu_plugin_version = atoi(given);
  else if (symbol("qemu_plugin_set_pc") != NULL)
    qemu_plugin_version = 7;
  else if (symbol("qemu_plugin_scoreboard_new") != NULL)
    qemu_plugin_version = 2;
}

/* ---- shared with the runner ---- */
enum { STOP = 1, MARK = 2, REGION = 4 };                           /* symbol.arm */
enum { EVENT_START = 1, EVENT_SYMBOL, EVENT_LIMIT, EVENT_FULL, EVENT_STACK }; /* control.event */
enum { FRAMES = 32 };
enum { FLAG_EXACT = 1 };                                           /* control.flags */

struct sym {
  uint32_t address;
  uint32_t arm;
};
struct region {
  uint32_t symbol, depth;
  uint64_t start, end, start_cycles, end_cycles;
  struct stalls stalls;
};
struct control {
  uint64_t count;         /*  0: instructions executed */
  uint64_t limit;         /*  8: stop at the first block at or after this, in what `image_clock` counts */
  uint64_t pc;            /* 16: of the stop */
  uint32_t event, symbol; /* 24: kind of the stop, index of the symbol */
  uint32_t flags;         /* 32 */
  uint32_t idle;          /* 36: the core sleeps (WFI) */
  uint32_t api;           /* 40: plugin interface in use */
  uint32_t symbols;       /* 44: number of symbols, sorted by address */
  uint32_t symbols_at, marks_at, regions_at; /* 48, 52, 56: offsets in this file */
  uint32_t marks, marks_max;                 /* 60, 64: console bytes: the clock at each */
  uint32_t regions, regions_max;             /* 68, 72 */
  uint32_t console;                          /* 76: address of a UART's data register; 0: none */
  uint32_t stack_low, stack_size;            /* 80, 84: the stack pointer stays in low..low + size; size 0: anywhere */
  uint32_t frames, frame[FRAMES];            /* 88, 92: where the process stack pointer may be, after request 'p' */
};

static struct control *ctl;
static const uint64_t *image_clock; /* what limits and marks are in: cycles where the image has a timing model, else instructions */
static struct sym *syms;
static uint64_t *marks;
static struct region *regions;
static int sock = -1;

/* ---- stopping ---- */
static void leave(void) { _exit(0); }
static void find_process_stack(void);
static void write_flash(void);
static bool stopped_inside; /* in the middle of a block: registers may be elsewhere */

static void stop(uint32_t event, uint32_t index, uint64_t pc) {
  char byte = '!';
  ctl->event = event;
  ctl->symbol = index;
  ctl->pc = pc;
  for (;;) {
    if (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1) leave();
    if (byte == 'c') return;
    if (byte == 'p')
      find_process_stack();
    else if (byte == 'w')
      write_flash();
    else if (!steer_request(byte, pc, stopped_inside))
      leave();
  }
}

/* The runner is gone (killed, say) while the core runs: poll sees the hang-up, so QEMU never outlives it. */
static void *watch_runner(void *unused) {
  struct pollfd p = {.fd = sock, .events = POLLRDHUP};
  (void)unused;
  while (poll(&p, 1, -1) <= 0) {
  }
  leave();
  return NULL;
}

/* ---- the core's registers: stack pointer and link register at the start of a block ---- */

/* From version 2 QEMU has functions for that. */
struct byte_array { /* GByteArray, GArray */
  uint8_t *data;
  unsigned length;
};
static void *sp_handle, *lr_handle, *psp_handle;
static struct byte_array *bytes;
static void (*set_size)(void *, unsigned);
static int (*read_register)(void *, struct byte_array *);

static void find_registers(void) {
  struct byte_array *list = ((struct byte_array * (*)(void)) symbol("qemu_plugin_get_registers"))();
  /* Handle, name, feature; since registers can be written also whether this one cannot. */
  size_t stride = (symbol("qemu_plugin_write_register") != NULL ? 4 : 3) * sizeof(void *);
  for (unsigned i = 0; i < list->length; i++) {
    void *entry[2];
    memcpy(entry, list->data + i * stride, sizeof entry);
    if (strcmp(entry[1], "sp") == 0 || strcmp(entry[1], "r13") == 0) sp_handle = entry[0];
    if (strcmp(entry[1], "psp") == 0) psp_handle = entry[0];
    if (strcmp(entry[1], "lr") == 0 || strcmp(entry[1], "r14") == 0) lr_handle = entry[0];
  }
  bytes = ((struct byte_array * (*)(void)) symbol("g_byte_array_new"))();
  set_size = (void (*)(void *, unsigned))symbol("g_byte_array_set_size");
  read_register = (int (*)(void *, struct byte_array *))symbol("qemu_plugin_read_register");
}

static uint32_t from_handle(void *handle) {
  uint32_t value = 0;
  set_size(bytes, 0);
  read_register(handle, bytes);
  if (bytes->length >= sizeof value) memcpy(&value, bytes->data, sizeof value);
  return value;
}

/* Version 1 has none, and later ones take too long for a look at every block. But translated code keeps the address of
 * the core's state in one fixed host register, and that state begins with r0 to r15. At the start of a block nothing of
 * it is held elsewhere. Whether this is so is seen at the first block, where pc is known; if it is not, the functions
 * or link_address stand in, and the stack pointer is not watched. */
static const uint32_t no_core[16];
static const uint32_t *core = no_core;
static uint32_t stack_low, stack_size = 0xffffffffu; /* everywhere until the core's state is known */

void block_with_state(void *data, const uint32_t *state);
#if defined(__x86_64__)
#define KNOWS_STATE 1
__asm__(".text\n.type block_env, @function\nblock_env:\n mov %rsi, %rdi\n mov %rbp, %rsi\n jmp block_with_state\n");
#elif defined(__aarch64__)
#define KNOWS_STATE 1
__asm__(".text\n.type block_env, %function\nblock_env:\n mov x0, x1\n mov x1, x19\n b block_with_state\n");
#endif
#ifdef KNOWS_STATE
extern void block_env(unsigned vcpu, void *data);
#endif

__attribute__((used)) void block_with_state(void *data, const uint32_t *state) {
  uint64_t pc = *(uint64_t *)data;
  if (state == NULL || ((uintptr_t)state & 3) != 0 || state[15] != (uint32_t)pc) return;
  core = state;
  if (ctl->stack_size != 0 && core[13] - ctl->stack_low <= ctl->stack_size) {
    stack_low = ctl->stack_low;
    stack_size = ctl->stack_size;
  }
}

bool core_registers(uint32_t *sp, uint32_t *lr) {
  if (core != no_core) {
    *sp = core[13];
    *lr = core[14];
  } else if (sp_handle != NULL && lr_handle != NULL) {
    *sp = from_handle(sp_handle);
    *lr = from_handle(lr_handle);
  } else {
    *sp = *lr = 0;
    return false;
  }
  return true;
}

/* ---- counting ---- */
struct block {
  uint64_t pc;
  uint32_t instructions; /* what the block adds to the count; 0 where instructions count themselves */
  uint32_t entry;        /* index of the symbol that starts here, or NONE */
  uint64_t link;         /* address after a linked call at its end, or 0 */
  uint8_t *watch;        /* not 0: a return address of an open region may be here */
  uint32_t inside;       /* a block that starts up to here behind pc is the rest of this one; 0: none is */
  const uint16_t *rest;  /* instructions to the end from each halfword of the block */
  struct timing_block *timing;
  uint32_t cycles;       /* symbol in mid-block: what the block added for the code from here on */
  bool looks;            /* the limit is looked at here: so stops are at the same places whatever else is watched */
  uint32_t function;     /* index of the symbol that it belongs to, where calls are watched */
};
enum { NONE = 0xffffffffu, DEPTH = 256, WATCHES = 1024 };
static bool lean; /* blocks add up inline: QEMU leaves none in its middle */

static void *score;             /* from version 2 inline counters live in a scoreboard of QEMU's */
static uint64_t *exact_counter; /* its one entry, once the core runs */

static inline void take_exact_count(void) {
  if (UNLIKELY(score != NULL)) {
    if (exact_counter == NULL)
      exact_counter = ((uint64_t * (*)(void *, unsigned)) symbol("qemu_plugin_scoreboard_find"))(score, 0);
    ctl->count = *exact_counter;
  }
}

/* Newer QEMU (seen in 10.0, not in 7.2) leaves a block at a device access, also without -icount, does the access in a
 * block that plugins are not told of, and goes on in a block that starts in the middle of the first. That one was
 * counted as a whole: take back what it did not do. The limit is not looked at there, so that stops are where older
 * QEMU has them. */
static const struct block no_block;
static const struct block *previous = &no_block;

static inline bool goes_on(const struct block *b) {
  const struct block *before = previous;
  previous = b;
  if (__builtin_expect(b->pc - before->pc - 1 >= before->inside, 1)) return false;
  ctl->count -= before->rest[(b->pc - before->pc) >> 1];
  return true;
}

/* ---- regions: from a function's first instruction to its return ---- */
static uint64_t link_address; /* where the last linked call returns to; 0 once a region began with it */
static struct {
  uint32_t symbol;
  uint32_t sp, back; /* where it ends: pc and stack pointer */
  bool exact;        /* both are from registers; otherwise only the address, from calls seen */
  uint64_t start, cycles;
  struct stalls stalls; /* so far, when it began */
} open_regions[DEPTH];
static uint32_t depth;
static uint8_t watches[WATCHES]; /* by hash of the address: open regions that return there */
static const uint8_t *ram;
static uint32_t ram_at, ram_size;

static uint8_t *watch_of(uint64_t pc) { return &watches[(pc >> 1) % WATCHES]; }

bool ram_word(uint32_t address, uint32_t *value) {
  if (ram == NULL || address < ram_at || address - ram_at > ram_size - 4) return false;
  memcpy(value, ram + (address - ram_at), sizeof *value);
  return true;
}

/* Where the process stack pointer is kept in the core's state no interface of version 1 says. Every word of that state
 * that is an address in RAM where the frame of an exception from thread mode lies may be it; the runner judges. */
static void find_process_stack(void) {
  uint32_t pc, xpsr;
  ctl->frames = 0;
  if (psp_handle != NULL) {
    ctl->frame[ctl->frames++] = from_handle(psp_handle);
    return;
  }
  for (size_t i = 16; core != no_core && i < 2048 && ctl->frames < FRAMES; i++)
    if ((core[i] & 3) == 0 && core[i] != core[13] && ram_word(core[i] + 24, &pc) && ram_word(core[i] + 28, &xpsr) &&
        (pc & 1) == 0 && (xpsr & 0x010001ff) == 0x01000000)
      ctl->frame[ctl->frames++] = core[i];
}

static void forget_from(uint32_t first) {
  while (depth > first) --*watch_of(open_regions[--depth].back);
}

static void region_begin(uint32_t index, uint64_t start, bool inner) {
  uint32_t sp, lr, xpsr, at = depth;
  bool exact = core_registers(&sp, &lr), fresh;
  if (!exact) lr = (uint32_t)link_address;
  if (inner) exact = false, sp = 0; /* in mid-block the stack pointer may be in a register of the host */
  fresh = (lr & ~1u) == (uint32_t)link_address;
  link_address = 0;
  if (exact && lr >= 0xffffff00u) {
    /* Entered as an exception: it ends where the stacked pc is. Frames on the process stack are not looked for. */
    uint32_t how = lr;
    if ((how & 4) || !ram_word(sp + 24, &lr) || !ram_word(sp + 28, &xpsr)) return;
    sp += (how & 16 ? 32 : 104) + (xpsr >> 9 & 1 ? 4 : 0);
  }
  lr &= ~1u;
  /* An open region that returns to the same place with the same stack: called again, it was left by other ways
   * (longjmp); not called but reached again, it is a loop to its first instruction. */
  while (at > 0 && !(open_regions[at - 1].back == lr && open_regions[at - 1].sp == sp)) at--;
  if (at > 0 && fresh)
    forget_from(at - 1);
  else if (at > 0 && at == depth && open_regions[at - 1].symbol == index)
    return;
  if (depth == DEPTH) return; /* recursion deeper than that is part of the outer regions */
  open_regions[depth].symbol = index;
  open_regions[depth].start = start;
  open_regions[depth].cycles = timing.page->cycles;
  open_regions[depth].stalls = timing.page->stalls;
  open_regions[depth].sp = sp;
  open_regions[depth].back = lr;
  open_regions[depth].exact = exact;
  ++*watch_of(lr);
  depth++;
}

static struct stalls stalls_since(const struct stalls *then) {
  const struct stalls *now = &timing.page->stalls;
  return (struct stalls){now->fetch - then->fetch, now->data - then->data, now->fetch_misses - then->fetch_misses,
                         now->data_misses - then->data_misses};
}

/* The core is at `pc`: every region that returns here has ended, those in it that did not are left for good. */
static void regions_end(uint64_t pc, uint64_t now) {
  uint32_t sp, lr, at = depth;
  struct region *r;
  bool exact = core_registers(&sp, &lr);
  while (at > 0) {
    at--;
    if (open_regions[at].back != (uint32_t)pc) continue;
    if (exact && open_regions[at].exact && open_regions[at].sp != sp) continue;
    forget_from(at + 1);
    forget_from(at);
    if (ctl->regions < ctl->regions_max) {
      r = &regions[ctl->regions++];
      r->symbol = open_regions[at].symbol;
      r->depth = at;
      r->start = open_regions[at].start;
      r->end = now;
      r->start_cycles = open_regions[at].cycles;
      r->end_cycles = timing.page->cycles;
      r->stalls = stalls_since(&open_regions[at].stalls);
    }
  }
}

static void mark(uint64_t now) {
  if (ctl->marks < ctl->marks_max) marks[ctl->marks++] = now;
}

static inline bool over(const struct block *b) { return b->looks & (*image_clock >= ctl->limit); }

static void slow_path(const struct block *b, bool inner) {
  uint64_t now = ctl->count;
  uint32_t arm = b->entry == NONE ? 0 : syms[b->entry].arm;
  uint32_t ahead = b->timing && !lean ? timing_ahead(b->timing) : 0;
  timing.page->cycles -= ahead;
  if (*b->watch) regions_end(b->pc, now);
  if (arm & MARK) mark(*image_clock);
  if (arm & REGION) region_begin(b->entry, now, inner);
  if (ctl->marks == ctl->marks_max || ctl->regions == ctl->regions_max) stop(EVENT_FULL, 0, b->pc);
  if (arm & STOP)
    stop(EVENT_SYMBOL, b->entry, b->pc);
  else if (over(b))
    stop(EVENT_LIMIT, 0, b->pc);
  timing.page->cycles += ahead;
}

/* Where nothing is mapped below the RAM of a twin, a store there is a fault; on others it is lost without a word. */

static inline void watch_stack(const struct block *b) {
  if (UNLIKELY(core[13] - stack_low > stack_size)) {
    stack_size = 0xffffffffu; /* said once */
    stop(EVENT_STACK, 0, b->pc);
  }
}

static void on_block(unsigned vcpu, void *data) {
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  watch_stack(b);
  if (!goes_on(b) && UNLIKELY(over(b) || *b->watch)) slow_path(b, false);
  ctl->count += b->instructions;
  if (b->timing) timing_enter(b->timing, core);
}

static void on_call_block(unsigned vcpu, void *data) { /* ends in a linked call */
  on_block(vcpu, data);
  link_address = ((const struct block *)data)->link;
}

static void on_entry_block(unsigned vcpu, void *data) { /* begins at a symbol */
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  watch_stack(b);
  goes_on(b);
  if (UNLIKELY(over(b) || syms[b->entry].arm || *b->watch)) slow_path(b, false);
  ctl->count += b->instructions;
  if (b->timing) timing_enter(b->timing, core);
  if (b->link) link_address = b->link;
}

static void on_inner_entry(unsigned vcpu, void *data) { /* a symbol that code runs into, in mid-block */
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  if (UNLIKELY(syms[b->entry].arm)) {
    /* The block was counted as a whole at its start: show the count up to here while stopped. */
    ctl->count -= b->instructions;
    timing.page->cycles -= b->cycles;
    stopped_inside = true;
    slow_path(b, true);
    stopped_inside = false;
    ctl->count += b->instructions;
    timing.page->cycles += b->cycles;
  }
}

/* The same three with a look at calls, see functions.h. */
static inline void watch_calls(const struct block *b) {
  if (UNLIKELY(!functions_stay((uint32_t)b->pc, b->function)))
    functions_step((uint32_t)b->pc, b->function, b->entry != NONE, (uint32_t)b->link, ctl->count - b->instructions,
                   timing.at_block);
  else if (b->link)
    functions_here.pending = (uint32_t)b->link;
}

static void on_inner_block_watched(unsigned vcpu, void *data) { /* nothing is called here, or returns here */
  const struct block *b = data;
  on_block(vcpu, data);
  if (UNLIKELY(functions_here.function != b->function)) watch_calls(b);
}
static void on_block_watched(unsigned vcpu, void *data) {
  on_block(vcpu, data);
  watch_calls(data);
}
static void on_call_block_watched(unsigned vcpu, void *data) {
  on_call_block(vcpu, data);
  watch_calls(data);
}
static void on_entry_block_watched(unsigned vcpu, void *data) {
  on_entry_block(vcpu, data);
  watch_calls(data);
}

/* ---- blocks that add up inline ----
 *
 * What a block adds to the counts is added by translated code, behind what is called here. So at most blocks nobody has
 * to be called; the others look only at what can be there. With -icount that goes for instructions; cycles are ENTERS,
 * as blocks are left in their middle. Not from version 2 on (see goes_on). */
enum position { NOWHERE, TURN, INNER, RETURN, CALL, ENTRY, POSITIONS };
enum cost { KNOWN, EDGE, FETCHES, FLASH, ENTERS, COSTS }; /* what of a block's cycles is not known at translation */

static inline void lean_calls(const struct block *b) {
  if (UNLIKELY(!functions_stay((uint32_t)b->pc, b->function)))
    functions_step((uint32_t)b->pc, b->function, b->entry != NONE, (uint32_t)b->link, ctl->count,
                   timing.page->cycles - (lean || b->timing == NULL ? 0 : timing_ahead(b->timing)));
  else if (b->link)
    functions_here.pending = (uint32_t)b->link;
}

static inline __attribute__((always_inline)) void lean_block(const struct block *b, enum position at, enum cost cost,
                                                             bool calls) {
  if (at >= RETURN) {
    if (UNLIKELY((core[13] - stack_low > stack_size) | (*image_clock >= ctl->limit) | *b->watch |
                 (at == ENTRY && syms[b->entry].arm))) {
      watch_stack(b);
      slow_path(b, false);
    }
    if (calls) lean_calls(b);
  } else if (at != NOWHERE) {
    if (UNLIKELY(*image_clock >= ctl->limit)) slow_path(b, false);
    if (at == INNER && UNLIKELY(functions_here.function != b->function)) lean_calls(b);
  }
  if (cost == EDGE) timing_edge(b->timing, ctl->count);
  if (cost == FETCHES) timing_fetches(b->timing);
  if (cost == FLASH) timing_flash(b->timing, core);
  if (cost == ENTERS) timing_enter(b->timing, core);
  if (at == CALL || (at == ENTRY && b->link)) link_address = b->link;
}

#define LEAN(at, cost, calls) \
  static void lean_##at##_##cost##_##calls(unsigned vcpu, void *data) { \
    (void)vcpu; \
    lean_block(data, at, cost, calls); \
  }
#define LEAN_COSTS(at, calls) LEAN(at, KNOWN, calls) LEAN(at, EDGE, calls) LEAN(at, FETCHES, calls) LEAN(at, FLASH, calls) \
  LEAN(at, ENTERS, calls)
#define LEAN_BOTH(at) LEAN_COSTS(at, 0) LEAN_COSTS(at, 1)
LEAN_BOTH(NOWHERE) LEAN_BOTH(TURN) LEAN_BOTH(INNER) LEAN_BOTH(RETURN) LEAN_BOTH(CALL) LEAN_BOTH(ENTRY)
#define NAMES_COSTS(at, calls) \
  { lean_##at##_KNOWN_##calls, lean_##at##_EDGE_##calls, lean_##at##_FETCHES_##calls, lean_##at##_FLASH_##calls, \
    lean_##at##_ENTERS_##calls }
#define NAMES(calls) \
  { NAMES_COSTS(NOWHERE, calls), NAMES_COSTS(TURN, calls), NAMES_COSTS(INNER, calls), NAMES_COSTS(RETURN, calls), \
    NAMES_COSTS(CALL, calls), NAMES_COSTS(ENTRY, calls) }
static void (*const lean_callbacks[2][POSITIONS][COSTS])(unsigned, void *) = {NAMES(0), NAMES(1)};

static void on_code(unsigned vcpu, void *data) {
  (void)vcpu;
  ((struct code_block *)data)->times++;
}

static void on_instruction(unsigned vcpu, void *data) { /* of a block that cannot be counted as a whole */
  (void)vcpu;
  (void)data;
  ctl->count++;
}

static void on_first(unsigned vcpu, void *data) {
  static bool started;
  (void)vcpu;
  if (UNLIKELY(!started)) {
    started = true;
    stop(EVENT_START, 0, *(uint64_t *)data);
  }
}

/* Cycles in front of an instruction that accesses memory. Flash waits of loads behind it are in already. */
static uint64_t cycles_at(const struct access_place *place) {
  return lean ? timing.page->cycles - place->cycles : timing_at(place->pc);
}

static void on_store(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  if (UNLIKELY((uint32_t)address == ctl->console) && qemu_plugin_mem_is_store(info))
    mark(timing.level == LEVEL_OFF ? ctl->count : cycles_at(data));
}

/* A load whose address could not be seen when its block began. Most are not from flash and aligned. */
static inline __attribute__((always_inline)) void load(uint32_t address, uint32_t size, uint16_t *slot) {
  if (UNLIKELY((address & (size - 1)) != 0 || timing_in_flash(address)))
    timing_access(address, size < 4 ? size : 4, size > 4 ? size >> 2 : 1, slot);
}
static void on_load(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  load((uint32_t)address, 1u << qemu_plugin_mem_size_shift(info), data);
}
static void on_load_1(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)info;
  load((uint32_t)address, 1, data);
}
static void on_load_2(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)info;
  load((uint32_t)address, 2, data);
}
static void on_load_4(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)info;
  load((uint32_t)address, 4, data);
}

static void on_any_store(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  const struct stack_store *s = data;
  (void)vcpu;
  if (!qemu_plugin_mem_is_store(info)) return; /* 7.2 tells of loads too */
  /* QEMU has all registers in the core's state when it accesses memory. */
  if (UNLIKELY(stack_stored(s, (uint32_t)address, core[13]))) {
    stopped_inside = true;
    stop(EVENT_STACK, 0, s->pc);
    stopped_inside = false;
  }
}

/* Somebody watches memory. */
static void on_access(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  const struct access_place *place = data;
  (void)vcpu;
  take_exact_count();
  if (access_note(place, (uint32_t)address, 1u << qemu_plugin_mem_size_shift(info), qemu_plugin_mem_is_store(info),
                  ctl->count, timing.level == LEVEL_OFF ? 0 : cycles_at(place)))
    ctl->limit = 0;
}

/* ---- translation ---- */
uint32_t symbol_at(uint64_t address) {
  uint32_t low = 0, high = ctl->symbols;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (syms[mid].address < address)
      low = mid + 1;
    else
      high = mid;
  }
  return low < ctl->symbols && syms[low].address == address ? low : NONE;
}

uint32_t function_of(uint64_t address) {
  uint32_t low = 0, high = ctl->symbols;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (syms[mid].address <= address)
      low = mid + 1;
    else
      high = mid;
  }
  return low == 0 ? NONE : low - 1;
}

uint32_t symbol_address(uint32_t index) { return index < ctl->symbols ? syms[index].address : 0xffffffffu; }

bool is_operator(uint32_t index) { return index < ctl->symbols && (syms[index].arm & REGION); }

static void opcode(struct qemu_plugin_insn *insn, uint16_t half[2]) {
  /* Up to QEMU 9.0 this returns a pointer to the bytes, later it copies them and returns their number. */
  size_t (*data)(const struct qemu_plugin_insn *, void *, size_t) =
      (size_t(*)(const struct qemu_plugin_insn *, void *, size_t))symbol("qemu_plugin_insn_data");
  size_t size = qemu_plugin_insn_size(insn), got;
  half[0] = half[1] = 0;
  got = data(insn, half, 4);
  if (got > 64) memcpy(half, (const void *)got, size < 4 ? size : 4);
}

static void *take_memory(size_t size) {
  /* QEMU keeps the pointers as long as the translation; translations are few and never told when dropped. */
  static char *pool;
  static size_t left;
  void *p;
  size = (size + 7) & ~(size_t)7;
  if (left < size) {
    left = size > 1 << 20 ? size : 1 << 20;
    pool = calloc(left, 1);
    if (pool == NULL) leave();
  }
  p = pool;
  pool += size;
  left -= size;
  return p;
}

static struct block *new_block(uint64_t pc, uint32_t instructions, uint32_t entry, uint64_t link) {
  struct block *b = take_memory(sizeof *b);
  *b = (struct block){.pc = pc, .instructions = instructions, .entry = entry, .link = link, .watch = watch_of(pc)};
  return b;
}

static const uint16_t *rest_of(struct qemu_plugin_tb *tb, size_t n, uint64_t pc, uint64_t end) {
  uint16_t *rest = take_memory((end - pc) / 2 * sizeof *rest);
  for (size_t i = 0; i < n; i++) {
    uint64_t at = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i));
    rest[(at - pc) >> 1] = (uint16_t)(n - i);
  }
  return rest;
}

/* With -icount QEMU leaves a block in its middle at a device access and goes on in another block, so that counting
 * blocks as a whole counts twice. There each stretch up to an access of memory adds its instructions, inline. */
static void count_exactly(struct qemu_plugin_insn *insn, size_t n) {
  typedef void (*inline_v1)(struct qemu_plugin_insn *, int, void *, uint64_t);
  typedef void (*inline_v2)(struct qemu_plugin_insn *, int, struct scoreboard_u64, uint64_t);
  if (score == NULL)
    ((inline_v1)symbol("qemu_plugin_register_vcpu_insn_exec_inline"))(insn, INLINE_ADD_U64, &ctl->count, n);
  else
    ((inline_v2)symbol("qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu"))(insn, INLINE_ADD_U64,
                                                                              (struct scoreboard_u64){score, 0}, n);
}

static bool may_access(struct qemu_plugin_insn *insn) {
  uint16_t half[2];
  struct op op;
  opcode(insn, half);
  decode((uint32_t)qemu_plugin_insn_vaddr(insn), half, thumb_size(half[0]), &op);
  return (op.kind >= K_LOAD && op.kind <= K_STORE_TWO) || op.kind == K_TABLE || op.kind == K_SYSTEM;
}

static void count_stretches(struct qemu_plugin_tb *tb, size_t n) {
  for (size_t i = 0, j; i < n; i = j) {
    for (j = i; j < n; j++) {
      struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, j);
      if (j > i && symbol_at(qemu_plugin_insn_vaddr(insn)) != NONE) break; /* a stop there shows the count */
      if (may_access(insn)) {
        j++;
        break;
      }
    }
    count_exactly(qemu_plugin_tb_get_insn(tb, i), j - i);
  }
}

static void watch_load(struct qemu_plugin_insn *insn, const struct op *op) {
  uint32_t width = op->n == 1 ? op->width : 0; /* 0: not known */
  /* 7.2, asked for loads, tells of stores only; asked for both, it tells of both. */
  qemu_plugin_register_vcpu_mem_cb(insn,
                                   width == 1   ? on_load_1
                                   : width == 2 ? on_load_2
                                   : width == 4 ? on_load_4
                                                : on_load,
                                   CB_NO_REGS, qemu_plugin_version >= 2 ? MEM_R : MEM_R | MEM_W,
                                   take_memory(sizeof(uint16_t))); /* where in the cache it was last */
}

static struct timing_block *time_block(struct qemu_plugin_tb *tb, size_t n) {
  struct timing_block *t;
  struct op *ops = malloc(n * sizeof *ops);
  bool *watch = calloc(n, sizeof *watch);
  uint16_t half[2];
  if (ops == NULL || watch == NULL) leave();
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    opcode(insn, half);
    decode((uint32_t)qemu_plugin_insn_vaddr(insn), half, thumb_size(half[0]), &ops[i]);
  }
  t = timing_block((uint32_t)qemu_plugin_tb_vaddr(tb), ops, n, core != no_core, watch, take_memory);
  if (lean) timing_lean(t, ops, n);
  for (size_t i = 0; i < n; i++)
    if (watch[i]) watch_load(qemu_plugin_tb_get_insn(tb, i), &ops[i]);
  free(watch);
  free(ops);
  return t;
}

/* Whether nothing has to be looked at when the block begins, so that an inline addition is enough: no symbol and no
 * return address is there, and it ends in a branch forward or a return. Every loop has a block that does not. */
static bool only_counts(const struct block *b, const uint16_t half[2], size_t size, uint64_t at, uint64_t target) {
  bool forward = target > at || (size == 2 && (half[0] & 0xf500) == 0xb100);         /* CBZ, CBNZ */
  bool back = size == 2 ? half[0] == 0x4770 || (half[0] & 0xff00) == 0xbd00          /* BX LR, POP {.., PC} */
                        : half[0] == 0xe8bd && (half[1] & 0x8000);                   /* POP.W {.., PC} */
  return b->entry == NONE && b->link == 0 && (forward || back) && !codemap_returns((uint32_t)b->pc);
}

static void watch_stores(struct qemu_plugin_insn *insn, uint64_t at) {
  struct stack_store *s = take_memory(sizeof *s);
  uint16_t half[2];
  opcode(insn, half);
  stack_translate(s, (uint32_t)at, half, qemu_plugin_insn_size(insn));
  if (stack_area->tasks) stack_size = 0xffffffffu;
  qemu_plugin_register_vcpu_mem_cb(insn, on_any_store, CB_NO_REGS, MEM_W, s);
}

static const struct access_place *place_of(const struct block *b, uint64_t at, uint32_t ahead) {
  struct access_place *place = take_memory(sizeof *place);
  *place = (struct access_place){(uint32_t)at, ahead, b->timing ? timing_rest(b->timing, (uint32_t)(at - b->pc)) : 0};
  return place;
}

static void watch_accesses(struct qemu_plugin_insn *insn, const struct access_place *place) {
  qemu_plugin_register_vcpu_mem_cb(insn, on_access, CB_NO_REGS, MEM_R | MEM_W, (void *)(uintptr_t)place);
}

static void add_inline(struct qemu_plugin_tb *tb, uint64_t *to, uint64_t amount) {
  ((void (*)(struct qemu_plugin_tb *, int, void *, uint64_t))symbol("qemu_plugin_register_vcpu_tb_exec_inline"))(
      tb, INLINE_ADD_U64, to, amount);
}

static enum cost cost_of(const struct timing_block *t) {
  if (t == NULL) return KNOWN;
  if (!lean) return ENTERS;
  if (timing.level != LEVEL_MEMORY) return t->tells || t->arrival == ARRIVES_EITHER ? EDGE : KNOWN;
  return t->literals || t->pointers || t->arrival == ARRIVES_EITHER ? FLASH : FETCHES;
}

/* `n`: instructions that the block adds as a whole. */
static void lean_translate(struct qemu_plugin_tb *tb, struct block *b, size_t n) {
  bool calls = functions->on & WATCH_CALLS;
  const struct timing_block *t = b->timing;
  enum position at = b->entry != NONE                                 ? ENTRY
                     : b->link                                        ? CALL
                     : codemap_returns((uint32_t)b->pc)               ? RETURN
                     : calls && codemap_crossed((uint32_t)b->pc)      ? INNER
                     : b->looks                                       ? TURN
                                                                      : NOWHERE;
  enum cost cost = cost_of(t);
  b->instructions = 0; /* added inline, behind what is called */
  if (calls) b->function = function_of(b->pc);
  if (at != NOWHERE || cost != KNOWN)
    qemu_plugin_register_vcpu_tb_exec_cb(tb, lean_callbacks[calls][at][cost], CB_NO_REGS, b);
  if (n) add_inline(tb, &ctl->count, n);
  if (t && lean) add_inline(tb, &timing.page->cycles, (uint64_t)(int64_t)t->alone);
}

static void translate(struct qemu_plugin_tb *tb) {
  static bool first = true;
  static uint64_t first_pc;
  uint64_t pc = qemu_plugin_tb_vaddr(tb);
  size_t n = qemu_plugin_tb_n_insns(tb);
  struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
  uint64_t at = qemu_plugin_insn_vaddr(last), end, target;
  uint16_t half[2];
  bool exact = ctl->flags & FLAG_EXACT, singly = false, link;
  uint32_t entry = symbol_at(pc);
  int access = qemu_plugin_version >= 2 ? CB_R_REGS : CB_NO_REGS;
  struct block *b;

  opcode(last, half);
  end = at + thumb_size(half[0]);
  link = is_linked_call(half);
  target = branch_target(half, (uint32_t)at);
  if (!exact && qemu_plugin_version >= 2) singly = target > pc && target < end;
  b = new_block(pc, exact || singly ? 0 : (uint32_t)n, entry, link ? end : 0);
  if (timing.level != LEVEL_OFF) b->timing = time_block(tb, n);
  if (!exact && !singly && qemu_plugin_version >= 2) {
    b->inside = (uint32_t)(end - pc - 1);
    b->rest = rest_of(tb, n, pc, end);
  }

  if (first) {
    first = false;
    first_pc = pc;
    if (b->timing) b->timing->alone -= (int32_t)timing.page->refill; /* reset is no branch */
    flash_seen((uint32_t)pc, qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0)));
#ifdef KNOWS_STATE
    qemu_plugin_register_vcpu_tb_exec_cb(tb, block_env, CB_NO_REGS, &first_pc);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, steer_first, CB_NO_REGS, &first_pc);
#endif
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_first, access, &first_pc);
  }
  b->looks = !only_counts(b, half, end - at, at, target);
  if (qemu_plugin_version < 2) {
    lean_translate(tb, b, exact ? 0 : n);
  } else if (functions->on & WATCH_CALLS) {
    b->function = function_of(pc);
    qemu_plugin_register_vcpu_tb_exec_cb(
        tb, entry != NONE        ? on_entry_block_watched
            : link               ? on_call_block_watched
            : codemap_returns((uint32_t)pc)  ? on_block_watched
                                 : on_inner_block_watched,
        access, b);
  } else {
    qemu_plugin_register_vcpu_tb_exec_cb(tb, entry != NONE ? on_entry_block : link ? on_call_block : on_block,
                                         access, b);
  }
  if (functions->on & WATCH_CODE) {
    struct code_block *code = functions_code((uint32_t)pc, (uint32_t)end);
    if (code != NULL) qemu_plugin_register_vcpu_tb_exec_cb(tb, on_code, CB_NO_REGS, code);
  }
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    uint64_t here = qemu_plugin_insn_vaddr(insn);
    uint32_t inner = i ? symbol_at(here) : NONE;
    if (inner != NONE) {
      struct block *part = new_block(here, exact || singly ? 0 : (uint32_t)(n - i), inner, 0);
      part->looks = true;
      if (b->timing) part->cycles = timing_rest(b->timing, (uint32_t)(here - pc));
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_inner_entry, access, part);
    }
    if (stack_area->on) watch_stores(insn, here);
    if (access_area->on) watch_accesses(insn, place_of(b, here, exact || singly ? 1 : (uint32_t)(n - i)));
    if (singly) qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, CB_NO_REGS, NULL);
    if (ctl->console) qemu_plugin_register_vcpu_mem_cb(insn, on_store, CB_NO_REGS, MEM_W, (void *)(uintptr_t)place_of(b, here, 0));
  }
  if (exact) count_stretches(tb, n); /* behind on_inner_entry: from version 2 on QEMU keeps that order */
}

/* The same two callbacks in the shape before version 7 and from it on. */
static void translate_v1(plugin_id id, struct qemu_plugin_tb *tb) {
  (void)id;
  translate(tb);
}
static void translate_v7(struct qemu_plugin_tb *tb, void *data) {
  (void)data;
  translate(tb);
}
static void idle_v1(plugin_id id, unsigned vcpu) {
  (void)id;
  (void)vcpu;
  ctl->idle = 1;
}
static void idle_v7(unsigned vcpu, void *data) {
  (void)vcpu;
  (void)data;
  ctl->idle = 1;
}
static void resume_v1(plugin_id id, unsigned vcpu) {
  (void)id;
  (void)vcpu;
  ctl->idle = 0;
}
static void resume_v7(unsigned vcpu, void *data) {
  (void)vcpu;
  (void)data;
  ctl->idle = 0;
}

static void init_v1(plugin_id id, unsigned vcpu) {
  (void)id;
  if (vcpu == 0) find_registers();
}
static void init_v7(unsigned vcpu, void *data) {
  (void)data;
  if (vcpu == 0) find_registers();
}

static plugin_id own_id;
static void register_callback(plugin_id id, const char *name, void *v1, void *v7);

/* What is called at a translation and when the core sleeps: at the start, and again behind a reset of the plugin. */
static void register_all(plugin_id id) {
  register_callback(id, "qemu_plugin_register_vcpu_tb_trans_cb", (void *)translate_v1, (void *)translate_v7);
  register_callback(id, "qemu_plugin_register_vcpu_idle_cb", (void *)idle_v1, (void *)idle_v7);
  register_callback(id, "qemu_plugin_register_vcpu_resume_cb", (void *)resume_v1, (void *)resume_v7);
}
static void reset_v1(plugin_id id) { register_all(id); }
static void reset_v7(void *data) {
  (void)data;
  register_all(own_id);
}

static void write_flash(void) {
  bool code = false;
  ctl->frames = flash_request(sock, &code); /* 0 says no */
  /* A reset of the plugin is the one thing a plugin can do that drops all translations. */
  if (ctl->frames && code) register_callback(own_id, "qemu_plugin_reset", (void *)reset_v1, (void *)reset_v7);
}

static void register_callback(plugin_id id, const char *name, void *v1, void *v7) {
  void *f = symbol(name);
  if (qemu_plugin_version >= 7)
    ((void (*)(plugin_id, void *, void *))f)(id, v7, NULL);
  else
    ((void (*)(plugin_id, void *))f)(id, v1);
}

_Static_assert(sizeof(struct control) <= FUNCTIONS_AT && FUNCTIONS_AT + sizeof(struct functions_area) <= STACK_AT &&
                   CODE_AT + sizeof(struct code_area) <= STEER_AT && STEER_AT + sizeof(struct steer_area) <= ACCESS_AT &&
                   STACK_AT + sizeof(struct stack_area) <= CODE_AT &&
                   CODE_AT + sizeof(struct code_area) <= TIMING_AT && TIMING_AT + sizeof(struct timing_page) <= 4096,
               "the parts of the shared file overlap");

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  pthread_t thread;
  int shared = -1, ram_fd = -1;
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "socket=", 7) == 0) sock = atoi(argv[i] + 7);
    if (strncmp(argv[i], "control=", 8) == 0) shared = atoi(argv[i] + 8);
    if (strncmp(argv[i], "ram=", 4) == 0) ram_fd = atoi(argv[i] + 4);
    if (strncmp(argv[i], "ram_at=", 7) == 0) ram_at = (uint32_t)strtoul(argv[i] + 7, NULL, 0);
  }
  if (sock < 0 || shared < 0) {
    fprintf(stderr, "boardless probe: needs socket=FD and control=FD\n");
    return 1;
  }
  off_t size = lseek(shared, 0, SEEK_END);
  void *map = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  if (size < (off_t)sizeof(struct control) || map == MAP_FAILED) {
    fprintf(stderr, "boardless probe: cannot map the control file\n");
    return 1;
  }
  ctl = map;
  syms = (struct sym *)((char *)map + ctl->symbols_at);
  marks = (uint64_t *)((char *)map + ctl->marks_at);
  regions = (struct region *)((char *)map + ctl->regions_at);
  functions_install(map);
  stack_install(map);
  steer_install(map, ram_fd);
  timing_setup((struct timing_page *)((char *)map + TIMING_AT));
  image_clock = timing.level == LEVEL_OFF ? &ctl->count : &timing.page->cycles;
  ctl->api = (uint32_t)qemu_plugin_version;
  lean = qemu_plugin_version < 2 && !(ctl->flags & FLAG_EXACT) && timing_can_be_lean();
  codemap_install(map, lean && (functions->on & WATCH_CALLS));
  if ((ctl->flags & FLAG_EXACT) && symbol("qemu_plugin_scoreboard_new") != NULL)
    score = ((void *(*)(size_t))symbol("qemu_plugin_scoreboard_new"))(sizeof(uint64_t));
  if (ram_fd >= 0) {
    off_t ram_bytes = lseek(ram_fd, 0, SEEK_END);
    map = mmap(NULL, (size_t)ram_bytes, PROT_READ, MAP_SHARED, ram_fd, 0);
    if (map != MAP_FAILED) {
      ram = map;
      ram_size = (uint32_t)ram_bytes;
    }
  }
  if (qemu_plugin_version >= 2)
    register_callback(id, "qemu_plugin_register_vcpu_init_cb", (void *)init_v1, (void *)init_v7);
  own_id = id;
  register_all(id);
  access_install(ctl, ram, ram_at, ram_size);
  return pthread_create(&thread, NULL, watch_runner, NULL) != 0;
}
