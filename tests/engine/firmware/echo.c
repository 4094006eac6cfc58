/* Firmware of others: reads lines from the UART of an STM32 and answers them. Nothing of boardless is in it.
 * UART: its base; SLEEPS: waits in WFI for the interrupt UART_IRQ, else polls, and comes to look at what that has read
 * only DWELL turns of a loop later; DEAF: never reads. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define SR REG(UART + 0x00) /* 5: something received, 7: room to send */
#define DR REG(UART + 0x04)
#define CR1 REG(UART + 0x0c) /* 13: on, 5: interrupt when something is received, 3: sender, 2: receiver */

extern uint32_t __stack_top[], __bss_start[], __bss_end[];
int main(void);
void uart_handler(void);

void Reset_Handler(void) {
  for (uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
  main();
}
__attribute__((naked)) void HardFault_Handler(void) { __asm volatile("b ."); }
__attribute__((section(".vectors"), used)) void *const vectors[16 + UART_IRQ + 1] = {
    __stack_top, Reset_Handler, HardFault_Handler, HardFault_Handler, [16 + UART_IRQ] = uart_handler};

static volatile int received; /* and one more; 0: nothing */

static void say(const char *text) {
  for (; *text; text++) {
    while (!(SR & 1u << 7)) {
    }
    DR = (uint8_t)*text;
  }
}

#ifdef SLEEPS
void uart_handler(void) { received = (int)(DR & 0xff) + 1; }

static int hear(void) {
  for (;;) {
    __asm volatile("cpsid i" ::: "memory");
    const int byte = received - 1;
    received = 0;
    if (byte < 0) __asm volatile("dsb\n isb\n wfi" ::: "memory");
    __asm volatile("cpsie i\n isb" ::: "memory");
#ifdef DWELL
    for (int turns = DWELL; turns; turns--) __asm volatile("");
#endif
    if (byte >= 0) return byte;
  }
}
#else
void uart_handler(void) {}

static int hear(void) {
#ifdef DEAF
  for (;;) received++;
#endif
  while (!(SR & 1u << 5)) {
  }
  (void)received;
  return (int)(DR & 0xff);
}
#endif

int main(void) {
  CR1 = 1u << 13 | 1u << 3 | 1u << 2;
#ifdef SLEEPS
  CR1 |= 1u << 5;
  REG(0xe000e100 + UART_IRQ / 32 * 4) = 1u << UART_IRQ % 32;
#endif
  say("ready\r\n> ");
  char line[64];
  for (unsigned length = 0;;) {
    const int byte = hear();
    if (byte != '\n') {
      if (length < sizeof line - 1) line[length++] = (char)byte;
      continue;
    }
    line[length] = '\0';
    length = 0;
    say("heard: ");
    say(line);
    say("\r\n> ");
  }
}
