/* What the C library asks of a system: heap, console, an end. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "console.h"

extern char __heap_start[], __heap_end[];

#define STOP(name) __attribute__((noinline, noreturn, used)) void name

/* Ends of the road, each with a symbol of its own at which an engine stops. */
STOP(abort)(void) {
  for (;;) __asm volatile("nop");
}

STOP(_exit)(int code) {
  for (;;) __asm volatile("nop" ::"r"(code));
}

STOP(__assert_func)(const char *file, int line, const char *function, const char *expression) {
  for (;;) __asm volatile("nop" ::"r"(file), "r"(line), "r"(function), "r"(expression));
}

STOP(__cxa_pure_virtual)(void) { abort(); }

void *_sbrk(ptrdiff_t increment) {
  static char *end = __heap_start;
  char *before = end;
  if (increment > __heap_end - end || increment < __heap_start - end) {
    errno = ENOMEM;
    return (void *)-1;
  }
  end += increment;
  return before;
}

int _write(int file, const char *data, int length) {
  (void)file;
  for (int i = 0; i < length; i++) boardless_console_putc(data[i]);
  return length;
}

int _read(int file, char *data, int length) {
  (void)file, (void)data, (void)length;
  return 0;
}

int _close(int file) {
  (void)file;
  return -1;
}

int _lseek(int file, int offset, int whence) {
  (void)file, (void)offset, (void)whence;
  return 0;
}

int _fstat(int file, struct stat *status) {
  (void)file;
  status->st_mode = S_IFCHR;
  return 0;
}

int _isatty(int file) {
  (void)file;
  return 1;
}

int _kill(int process, int signal) {
  (void)process, (void)signal;
  errno = EINVAL;
  return -1;
}

int _getpid(void) { return 1; }
