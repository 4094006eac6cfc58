/* Text to the console, and the end of a run that went wrong. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARDLESS_LOG_H
#define BOARDLESS_LOG_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* printf's d i u x X p s c f %, widths, zero padding, l ll z h; a tenth of the size of the C library's. */
int boardless_vsnprintf(char *out, size_t size, const char *format, va_list args);

void boardless_write(const char *text);
void boardless_vlog(const char *format, va_list args);
__attribute__((format(printf, 1, 2))) void boardless_log(const char *format, ...);
/* Quiet: nothing is printed (arena search, where failing is normal). */
void boardless_log_quiet(int quiet);
/* The last line printed, for the reason of a failure. */
const char *boardless_last_line(void);
/* Reports `why` to the engine, which ends the run; on a product board prints it and stops. */
__attribute__((noreturn, format(printf, 1, 2))) void boardless_fail(const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
