/* The probe: a QEMU TCG plugin that counts instructions and cycles and stops the core at symbols.
 *
 * One .so for QEMU 7.2 to 11. The runner (Python) shares one memory file with it (control.h) and one socket (stop.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "block.h"
#include "codemap.h"
#include "control.h"
#include "flash.h"
#include "functions.h"
#include "guard.h"
#include "left.h"
#include "qemu.h"
#include "ram.h"
#include "registers.h"
#include "spin.h"
#include "stack.h"
#include "steer.h"
#include "stop.h"
#include "translate.h"

static plugin_id own_id;

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

static void write_flash(int sock) {
  bool code = false;
  ctl->frames = flash_request(sock, &code); /* 0 says no */
  /* A reset of the plugin is the one thing a plugin can do that drops all translations. */
  if (ctl->frames && code) register_callback(own_id, "qemu_plugin_reset", (void *)reset_v1, (void *)reset_v7);
}

_Static_assert(sizeof(struct control) <= FUNCTIONS_AT && FUNCTIONS_AT + sizeof(struct functions_area) <= STACK_AT &&
                   CODE_AT + sizeof(struct code_area) <= STEER_AT && STEER_AT + sizeof(struct steer_area) <= ACCESS_AT &&
                   STACK_AT + sizeof(struct stack_area) <= CODE_AT &&
                   CODE_AT + sizeof(struct code_area) <= TIMING_AT && TIMING_AT + sizeof(struct timing_page) <= 4096,
               "the parts of the shared file overlap");

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  int sock = -1, shared = -1, ram_fd = -1;
  uint32_t ram_at = 0;
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "socket=", 7) == 0) sock = atoi(argv[i] + 7);
    if (strncmp(argv[i], "control=", 8) == 0) shared = atoi(argv[i] + 8);
    if (strncmp(argv[i], "ram=", 4) == 0) ram_fd = atoi(argv[i] + 4);
    if (strncmp(argv[i], "ram_at=", 7) == 0) ram_at = (uint32_t)strtoul(argv[i] + 7, NULL, 0);
    if (strncmp(argv[i], "spin=", 5) == 0) spins = argv[i][5] == '1';
    if (strncmp(argv[i], "rom=", 4) == 0) guard_lay("rom", argv[i] + 4);
    if (strncmp(argv[i], "hole=", 5) == 0) guard_lay("hole", argv[i] + 5);
  }
  if (sock < 0 || shared < 0) {
    fprintf(stderr, "boardless probe: needs socket=FD and control=FD\n");
    return 1;
  }
  off_t size = lseek(shared, 0, SEEK_END);
  void *map = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  if (map == MAP_FAILED || !control_install(map, (size_t)size)) {
    fprintf(stderr, "boardless probe: cannot map the control file\n");
    return 1;
  }
  functions_install(map);
  stack_install(map);
  steer_install(map, ram_fd);
  timing_setup((struct timing_page *)((char *)map + TIMING_AT));
  image_clock = timing.level == LEVEL_OFF ? &ctl->count : &timing.page->cycles;
  ctl->api = (uint32_t)qemu_plugin_version;
  lean = !(ctl->flags & FLAG_EXACT) && timing_can_be_lean();
  codemap_install(map, functions->on & WATCH_CALLS);
  left_install();
  ram_install(ram_fd, ram_at);
  if (qemu_plugin_version >= 2)
    register_callback(id, "qemu_plugin_register_vcpu_init_cb", (void *)init_v1, (void *)init_v7);
  own_id = id;
  register_all(id);
  access_install(map);
  return !stop_install(sock, write_flash);
}
