/* What we know of QEMU's plugin interface.
 *
 * No header of QEMU is used: Debian ships none, and no constant API version fits all. The few functions needed are
 * declared here and looked up with dlsym; qemu_plugin_version is set by a constructor, before QEMU reads it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CB_NO_REGS = 0, CB_R_REGS = 1, MEM_R = 1, MEM_W = 2 };

extern int qemu_plugin_version;

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

#pragma GCC visibility push(hidden)
/* These changed shape between versions, so they are only ever called through a cast. */
void *qemu_symbol(const char *name);

/* A callback in its shape before version 7 and in that from it on. */
void register_callback(plugin_id id, const char *name, void *v1, void *v7);

/* The halfwords of an instruction; 0 for the second of a short one. */
void opcode(struct qemu_plugin_insn *insn, uint16_t half[2]);
#pragma GCC visibility pop
