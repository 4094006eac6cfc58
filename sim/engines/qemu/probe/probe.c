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
enum { CB_NO_REGS = 0, INLINE_ADD_U64 = 0, MEM_W = 2 };

EXPORT int qemu_plugin_version = 1;

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, void (*)(unsigned, uint32_t, uint64_t, void *),
                                             int, int, void *);
extern bool qemu_plugin_mem_is_store(uint32_t info);

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
enum { EVENT_START = 1, EVENT_SYMBOL, EVENT_LIMIT, EVENT_FULL };   /* control.event */
enum { FLAG_EXACT = 1 };                                           /* control.flags */

struct sym {
  uint32_t address;
  uint32_t arm;
};
struct region {
  uint32_t symbol, depth;
  uint64_t start, end;
};
struct control {
  uint64_t count;         /*  0: instructions executed */
  uint64_t limit;         /*  8: stop at the first block at or after this count */
  uint64_t pc;            /* 16: of the stop */
  uint32_t event, symbol; /* 24: kind of the stop, index of the symbol */
  uint32_t flags;         /* 32 */
  uint32_t idle;          /* 36: the core sleeps (WFI) */
  uint32_t api;           /* 40: plugin interface in use */
  uint32_t symbols;       /* 44: number of symbols, sorted by address */
  uint32_t symbols_at, marks_at, regions_at; /* 48, 52, 56: offsets in this file */
  uint32_t marks, marks_max;                 /* 60, 64: console bytes: instruction count of each */
  uint32_t regions, regions_max;             /* 68, 72 */
  uint32_t console;                          /* 76: address of a UART's data register; 0: none */
};

static struct control *ctl;
static struct sym *syms;
static uint64_t *marks;
static struct region *regions;
static int sock = -1;

/* ---- stopping ---- */
static void leave(void) { _exit(0); }

static void stop(uint32_t event, uint32_t index, uint64_t pc) {
  char byte = '!';
  ctl->event = event;
  ctl->symbol = index;
  ctl->pc = pc;
  if (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1 || byte != 'c') leave();
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

/* ---- counting ---- */
struct block {
  uint64_t pc;
  uint32_t instructions; /* what the block adds to the count; 0 where instructions count themselves */
  uint32_t entry;        /* index of the symbol that starts here, or NONE */
  uint64_t link;         /* address after a linked call at its end, or 0 */
};
enum { NONE = 0xffffffffu, DEPTH = 64 };

static void *score;             /* from version 2 inline counters live in a scoreboard of QEMU's */
static uint64_t *exact_counter; /* its one entry, once the core runs */

static inline void take_exact_count(void) {
  if (UNLIKELY(score != NULL)) {
    if (exact_counter == NULL)
      exact_counter = ((uint64_t * (*)(void *, unsigned)) symbol("qemu_plugin_scoreboard_find"))(score, 0);
    ctl->count = *exact_counter;
  }
}

static uint64_t link_address; /* what LR holds at a function's entry, as far as calls tell */
static struct {
  uint32_t symbol;
  uint64_t start, back;
} open_regions[DEPTH];
static uint32_t depth;
static uint64_t back_at = 1; /* return address of the innermost open region; 1: none (never an address) */

static void region_begin(uint32_t index, uint64_t start) {
  if (depth == DEPTH) return; /* recursion deeper than that is part of the outer regions */
  open_regions[depth].symbol = index;
  open_regions[depth].start = start;
  open_regions[depth].back = link_address;
  back_at = link_address;
  depth++;
}

static void region_end(uint64_t now) {
  struct region *r;
  depth--;
  if (ctl->regions < ctl->regions_max) {
    r = &regions[ctl->regions++];
    r->symbol = open_regions[depth].symbol;
    r->depth = depth;
    r->start = open_regions[depth].start;
    r->end = now;
  }
  back_at = depth ? open_regions[depth - 1].back : 1;
}

static void mark(uint64_t now) {
  if (ctl->marks < ctl->marks_max) marks[ctl->marks++] = now;
}

static void slow_path(const struct block *b) {
  uint64_t now = ctl->count;
  uint32_t arm = b->entry == NONE ? 0 : syms[b->entry].arm;
  while (b->pc == back_at) region_end(now);
  if (arm & MARK) mark(now);
  if (arm & REGION) region_begin(b->entry, now);
  if (ctl->marks == ctl->marks_max || ctl->regions == ctl->regions_max) stop(EVENT_FULL, 0, b->pc);
  if (arm & STOP)
    stop(EVENT_SYMBOL, b->entry, b->pc);
  else if (now >= ctl->limit)
    stop(EVENT_LIMIT, 0, b->pc);
}

static void on_block(unsigned vcpu, void *data) {
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  if (UNLIKELY(ctl->count >= ctl->limit || b->pc == back_at)) slow_path(b);
  ctl->count += b->instructions;
}

static void on_call_block(unsigned vcpu, void *data) { /* ends in a linked call */
  on_block(vcpu, data);
  link_address = ((const struct block *)data)->link;
}

static void on_entry_block(unsigned vcpu, void *data) { /* begins at a symbol */
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  if (UNLIKELY(ctl->count >= ctl->limit || syms[b->entry].arm || b->pc == back_at)) slow_path(b);
  ctl->count += b->instructions;
  if (b->link) link_address = b->link;
}

static void on_inner_entry(unsigned vcpu, void *data) { /* a symbol that code runs into, in mid-block */
  const struct block *b = data;
  (void)vcpu;
  take_exact_count();
  if (UNLIKELY(syms[b->entry].arm)) {
    /* The block was counted as a whole at its start: show the count up to here while stopped. */
    ctl->count -= b->instructions;
    slow_path(b);
    ctl->count += b->instructions;
  }
}

static void on_first(unsigned vcpu, void *data) {
  static bool started;
  (void)vcpu;
  if (UNLIKELY(!started)) {
    started = true;
    stop(EVENT_START, 0, *(uint64_t *)data);
  }
}

static void on_store(unsigned vcpu, uint32_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)data;
  if (UNLIKELY((uint32_t)address == ctl->console) && qemu_plugin_mem_is_store(info)) mark(ctl->count);
}

/* ---- translation ---- */
static uint32_t symbol_at(uint64_t address) {
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

/* BL immediate or BLX register (Armv7-M ARM A7.7.18, A7.7.19): the instruction that sets LR to what follows it. */
static bool is_linked_call(struct qemu_plugin_insn *insn) {
  uint16_t half[2] = {0, 0};
  size_t size = qemu_plugin_insn_size(insn);
  /* Up to QEMU 9.0 this returns a pointer to the bytes, later it copies them and returns their number. */
  size_t (*data)(const struct qemu_plugin_insn *, void *, size_t) =
      (size_t(*)(const struct qemu_plugin_insn *, void *, size_t))symbol("qemu_plugin_insn_data");
  size_t got = data(insn, half, sizeof half);
  if (got > 64) memcpy(half, (const void *)got, size < sizeof half ? size : sizeof half);
  if (size == 2) return (half[0] & 0xff87) == 0x4780;
  return (half[0] & 0xf800) == 0xf000 && (half[1] & 0xd000) == 0xd000;
}

static struct block *new_block(uint64_t pc, uint32_t instructions, uint32_t entry, uint64_t link) {
  /* QEMU keeps the pointer as long as the translation; translations are few and never told when dropped. */
  static struct block *pool;
  static size_t left;
  if (left == 0) {
    left = 4096;
    pool = calloc(left, sizeof *pool);
    if (pool == NULL) leave();
  }
  left--;
  *pool = (struct block){pc, instructions, entry, link};
  return pool++;
}

/* With -icount QEMU leaves a block in its middle at a device access and goes on in another block, so that counting
 * blocks as a whole counts twice. There each instruction adds one, inline. */
static void count_exactly(struct qemu_plugin_insn *insn) {
  typedef void (*inline_v1)(struct qemu_plugin_insn *, int, void *, uint64_t);
  typedef void (*inline_v2)(struct qemu_plugin_insn *, int, struct scoreboard_u64, uint64_t);
  if (score == NULL)
    ((inline_v1)symbol("qemu_plugin_register_vcpu_insn_exec_inline"))(insn, INLINE_ADD_U64, &ctl->count, 1);
  else
    ((inline_v2)symbol("qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu"))(insn, INLINE_ADD_U64,
                                                                              (struct scoreboard_u64){score, 0}, 1);
}

static void translate(struct qemu_plugin_tb *tb) {
  static bool first = true;
  static uint64_t first_pc;
  uint64_t pc = qemu_plugin_tb_vaddr(tb);
  size_t n = qemu_plugin_tb_n_insns(tb);
  struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
  uint64_t end = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last);
  uint64_t link = is_linked_call(last) ? end : 0;
  bool exact = ctl->flags & FLAG_EXACT;
  uint32_t entry = symbol_at(pc);
  struct block *b = new_block(pc, exact ? 0 : (uint32_t)n, entry, link);

  if (first) {
    first = false;
    first_pc = pc;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_first, CB_NO_REGS, &first_pc);
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, entry != NONE ? on_entry_block : link ? on_call_block : on_block, CB_NO_REGS,
                                       b);
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    uint64_t at = qemu_plugin_insn_vaddr(insn);
    uint32_t inner = i ? symbol_at(at) : NONE;
    if (inner != NONE)
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_inner_entry, CB_NO_REGS,
                                             new_block(at, exact ? 0 : (uint32_t)(n - i), inner, 0));
    if (exact) count_exactly(insn);
    if (ctl->console) qemu_plugin_register_vcpu_mem_cb(insn, on_store, CB_NO_REGS, MEM_W, NULL);
  }
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

static void register_callback(plugin_id id, const char *name, void *v1, void *v7) {
  void *f = symbol(name);
  if (qemu_plugin_version >= 7)
    ((void (*)(plugin_id, void *, void *))f)(id, v7, NULL);
  else
    ((void (*)(plugin_id, void *))f)(id, v1);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  pthread_t thread;
  int shared = -1;
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "socket=", 7) == 0) sock = atoi(argv[i] + 7);
    if (strncmp(argv[i], "control=", 8) == 0) shared = atoi(argv[i] + 8);
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
  ctl->api = (uint32_t)qemu_plugin_version;
  if ((ctl->flags & FLAG_EXACT) && symbol("qemu_plugin_scoreboard_new") != NULL)
    score = ((void *(*)(size_t))symbol("qemu_plugin_scoreboard_new"))(sizeof(uint64_t));
  register_callback(id, "qemu_plugin_register_vcpu_tb_trans_cb", (void *)translate_v1, (void *)translate_v7);
  register_callback(id, "qemu_plugin_register_vcpu_idle_cb", (void *)idle_v1, (void *)idle_v7);
  register_callback(id, "qemu_plugin_register_vcpu_resume_cb", (void *)resume_v1, (void *)resume_v7);
  return pthread_create(&thread, NULL, watch_runner, NULL) != 0;
}
