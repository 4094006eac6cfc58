/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdlib.h>

#include "boardless_port.h"
#include "console.h"
#include "recorder.h"

enum { LINE = 200 };
static char line[LINE];
static unsigned line_length;
static int line_ended;
static int is_quiet;

static void keep(char c) {
  if (c == '\r') return;
  if (c == '\n') {
    line_ended = line_length > 0;
    return;
  }
  if (line_ended) {
    line_length = 0;
    line_ended = 0;
  }
  if (line_length < LINE - 1) line[line_length++] = c;
  line[line_length] = '\0';
}

void boardless_write(const char *text) {
  for (; *text; text++) {
    keep(*text);
    if (!is_quiet) boardless_console_putc(*text);
  }
}

void boardless_vlog(const char *format, va_list args) {
  char text[256];
  boardless_vsnprintf(text, sizeof text, format, args);
  boardless_write(text);
}

void boardless_log(const char *format, ...) {
  va_list args;
  va_start(args, format);
  boardless_vlog(format, args);
  va_end(args);
}

void boardless_log_quiet(int quiet) { is_quiet = quiet; }

const char *boardless_last_line(void) { return line; }

void boardless_fail(const char *format, ...) {
  char why[256];
  va_list args;
  va_start(args, format);
  boardless_vsnprintf(why, sizeof why, format, args);
  va_end(args);
  boardless_recorder_failed();
  if (bl_fail(why) == BL_NO_HOST) {
    is_quiet = 0;
    boardless_write("boardless: ");
    boardless_write(why);
    boardless_write("\n");
  }
  abort();
}

/* What TFLM's own messages go through; one of these per generation. */
#ifdef BOARDLESS_TFLM_2020
void DebugLog(const char *text) { boardless_write(text); }
#else
void DebugLog(const char *format, va_list args) { boardless_vlog(format, args); }

int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list args) {
  return boardless_vsnprintf(buffer, size, format, args);
}
#endif
