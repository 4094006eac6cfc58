/* See stop.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "stop.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#include "control.h"
#include "registers.h"
#include "spin.h"
#include "steer.h"

bool stopped_inside;
static int sock = -1;
static void (*write_flash)(int);

void leave(void) { _exit(0); }

void stop(uint32_t event, uint32_t index, uint64_t pc) {
  char byte = '!';
  ctl->event = event;
  ctl->symbol = index;
  ctl->pc = pc;
  for (;;) {
    if (write(sock, &byte, 1) != 1 || !receive(sock, &byte)) leave();
    if (byte == 'c') return;
    if (byte == 'p')
      find_process_stack();
    else if (byte == 'w')
      write_flash(sock);
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

bool stop_install(int socket, void (*flash)(int)) {
  pthread_t thread;
  sock = socket;
  write_flash = flash;
  return pthread_create(&thread, NULL, watch_runner, NULL) == 0;
}
