/* SPDX-License-Identifier: Apache-2.0 */
#include "boardless_recorder.h"

enum { SENSORS = 4, HEAD = 8, LINE_BYTES = 48, LABEL = 24, STACK_MOST = 2048, STACK_LINE = 32, RECORD_MOST = 0xfffff };
enum { BESIDE = 2 * HEAD + 8 + LABEL }; /* what may follow a read: an inference, and a decision with its label */
enum { SAMPLES = 1, DECISION = 2, INFERENCE = 3 };

static struct {
  uint8_t *ring;
  uint32_t size, head, used; /* the oldest record begins at head */
  uint32_t unseen;           /* bytes since the last dump; all that there are while there was none */
  const char *app;
  const uint8_t *build_id;
  uint32_t build_id_bytes, stack_top;
  void (*put)(char);
  struct {
    const char *name;
    uint32_t rate_mhz, range, range2, channels, width;
    uint32_t cut_reads, cut_samples; /* reads that did not fit whole since the opening, and what of them was left out */
  } sensor[SENSORS];
  uint32_t sensors;
  uint32_t line, crc; /* of the dump that is under way */
} r;

/* ---- the ring: records of a head (length in 20 bits, kind in 4, sensor in 8; value) and bytes ---- */

static uint8_t at(uint32_t offset) { return r.ring[(r.head + offset) % r.size]; }

static uint32_t word_at(uint32_t offset) {
  return (uint32_t)at(offset) | (uint32_t)at(offset + 1) << 8 | (uint32_t)at(offset + 2) << 16 |
         (uint32_t)at(offset + 3) << 24;
}

static void push(uint8_t byte) {
  r.ring[(r.head + r.used) % r.size] = byte;
  r.used++;
}

static uint32_t kind_of_oldest(void) { return word_at(0) >> 20 & 15u; }

static void drop_oldest(void) {
  uint32_t length = (word_at(0) & RECORD_MOST) + HEAD;
  r.head = (r.head + length) % r.size;
  r.used -= length;
}

/* Room for a record; the oldest go. A record is a whole read: what is kept begins where a read did, so that a replay
 * makes its windows of the same samples. 0: it would never fit. */
static int begin(uint32_t kind, uint32_t sensor, uint32_t value, uint32_t bytes) {
  if (r.ring == NULL || bytes > RECORD_MOST || bytes + HEAD > r.size) return 0;
  while (r.size - r.used < bytes + HEAD) drop_oldest();
  while (r.used > 0 && kind_of_oldest() != SAMPLES) drop_oldest();
  if (r.unseen < r.size) r.unseen += bytes + HEAD;
  bytes |= kind << 20 | sensor << 24;
  for (int i = 0; i < 32; i += 8) push((uint8_t)(bytes >> i));
  for (int i = 0; i < 32; i += 8) push((uint8_t)(value >> i));
  return 1;
}

void blr_init(void *memory, uint32_t bytes, const char *app, const uint8_t *build_id, uint32_t build_id_bytes,
              uint32_t stack_top, void (*put)(char)) {
  r.ring = bytes > HEAD && put != NULL ? memory : NULL;
  r.size = bytes;
  r.head = r.used = r.sensors = 0;
  r.unseen = bytes;
  r.app = app;
  r.build_id = build_id;
  r.build_id_bytes = build_id != NULL ? build_id_bytes : 0;
  r.stack_top = stack_top;
  r.put = put;
}

static int is_same(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

int blr_sensor(const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2, uint32_t channels, uint32_t width) {
  uint32_t slot = 0;
  while (slot < r.sensors && !is_same(r.sensor[slot].name, name)) slot++;
  if (slot == SENSORS || channels * width == 0) return -1;
  if (slot < r.sensors) r.used = 0; /* opened again: its samples count from 0 again, those before would be mixed up */
  if (slot == r.sensors) r.sensors++;
  r.sensor[slot].name = name;
  r.sensor[slot].rate_mhz = rate_mhz;
  r.sensor[slot].range = range;
  r.sensor[slot].range2 = range2;
  r.sensor[slot].channels = channels;
  r.sensor[slot].width = width;
  r.sensor[slot].cut_reads = r.sensor[slot].cut_samples = 0;
  return (int)slot;
}

/* For one read, when all others are gone. */
static uint32_t room(void) {
  uint32_t bytes = r.size > HEAD + BESIDE ? r.size - HEAD - BESIDE : 0;
  return bytes < RECORD_MOST ? bytes : RECORD_MOST;
}

void blr_samples(int sensor, uint32_t first, const void *codes, uint32_t samples) {
  const uint8_t *from = codes;
  uint32_t size, most, bytes;
  if (sensor < 0 || (uint32_t)sensor >= r.sensors) return;
  size = r.sensor[sensor].channels * r.sensor[sensor].width;
  most = room() / size;
  if (samples > most) { /* its end is what comes last before whatever went wrong */
    r.sensor[sensor].cut_reads++;
    r.sensor[sensor].cut_samples += samples - most;
    first += samples - most;
    from += (samples - most) * size;
    samples = most;
  }
  bytes = samples * size;
  if (bytes == 0 || !begin(SAMPLES, (uint32_t)sensor, first, bytes)) return;
  for (uint32_t i = 0; i < bytes; i++) push(from[i]);
}

void blr_inference(int sensor, uint32_t samples) {
  if (sensor < 0 || (uint32_t)sensor >= r.sensors) return;
  begin(INFERENCE, (uint32_t)sensor, samples, 0);
}

void blr_decision(uint32_t class_index, float score, const char *label, int sensor, uint32_t samples) {
  union {
    float f;
    uint32_t bits;
  } as;
  uint32_t length = 0;
  as.f = score;
  while (label != NULL && length < LABEL && label[length] != '\0') length++;
  if (!begin(DECISION, (uint32_t)sensor, samples, 8 + length)) return;
  for (int i = 0; i < 32; i += 8) push((uint8_t)(class_index >> i));
  for (int i = 0; i < 32; i += 8) push((uint8_t)(as.bits >> i));
  for (uint32_t i = 0; i < length; i++) push((uint8_t)label[i]);
}

/* ---- lines ---- */

static void put_plain(char c) { r.put(c); }

static void put(char c) { /* counts for the check sum: CRC-32, as of zlib */
  r.crc ^= (uint8_t)c;
  for (int i = 0; i < 8; i++) r.crc = r.crc >> 1 ^ (r.crc & 1 ? 0xedb88320u : 0);
  r.put(c);
}

static char digit(uint32_t value) { return "0123456789abcdef"[value & 15]; }

static void put_text(const char *text) { /* a field: no spaces and no marks of the format in it */
  if (text == NULL || *text == '\0') text = "-";
  for (; *text != '\0'; text++) put(*text <= ' ' || *text == '*' || *text == '~' ? '_' : *text);
}

static void put_number(uint32_t value) {
  char digits[10];
  int n = 0;
  do digits[n++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  while (n > 0) put(digits[--n]);
}

static void put_hex(uint32_t value) {
  for (int i = 28; i >= 0; i -= 4) put(digit(value >> i));
}

static void put_byte(uint8_t byte) {
  put(digit(byte >> 4));
  put(digit(byte));
}

static void line(char kind) {
  put_plain('~');
  r.crc = 0xffffffffu;
  put('B');
  put('L');
  put(' ');
  put_number(r.line++);
  put(' ');
  put(kind);
}

static void end(void) {
  uint32_t crc = ~r.crc;
  put_plain('*');
  for (int i = 28; i >= 0; i -= 4) put_plain(digit(crc >> i));
  put_plain('\r');
  put_plain('\n');
}

static void number(uint32_t value) {
  put(' ');
  put_number(value);
}

static void word(uint32_t value) {
  put(' ');
  put_hex(value);
}

static void header(const char *trigger) {
  r.line = 0;
  put_plain('\r'); /* whatever stood there without an end */
  put_plain('\n');
  line('H');
  number(1);
  put(' ');
  if (r.build_id_bytes == 0) put('0');
  for (uint32_t i = 0; i < r.build_id_bytes; i++) put_byte(r.build_id[i]);
  put(' ');
  put_text(r.app);
  put(' ');
  put_text(trigger);
  end();
  for (uint32_t i = 0; i < r.sensors; i++) {
    line('S');
    put(' ');
    put_text(r.sensor[i].name);
    number(r.sensor[i].rate_mhz);
    number(r.sensor[i].range);
    number(r.sensor[i].range2);
    number(r.sensor[i].channels);
    number(r.sensor[i].width);
    end();
    if (r.sensor[i].cut_reads == 0) continue;
    line('L');
    put(' ');
    put_text(r.sensor[i].name);
    number(r.sensor[i].cut_reads);
    number(r.sensor[i].cut_samples);
    end();
  }
}

static void taken(uint32_t sensor, uint32_t samples) {
  if (sensor >= r.sensors) return;
  put(' ');
  put_text(r.sensor[sensor].name);
  put('=');
  put_number(samples);
}

/* A read in pieces of one line each, so that a torn line costs little. */
static void data(uint32_t offset, uint32_t bytes, uint32_t sensor, uint32_t first) {
  uint32_t size = r.sensor[sensor].channels * r.sensor[sensor].width;
  uint32_t most = size < LINE_BYTES ? LINE_BYTES / size : 1;
  for (uint32_t left = bytes / size; left > 0;) {
    uint32_t n = left < most ? left : most;
    line('D');
    put(' ');
    put_text(r.sensor[sensor].name);
    number(first);
    put(' ');
    for (uint32_t i = 0; i < n * size; i++) put_byte(at(offset + i));
    end();
    offset += n * size;
    first += n;
    left -= n;
  }
}

static void decision(uint32_t offset, uint32_t bytes, uint32_t sensor, uint32_t samples) {
  line('C');
  number(word_at(offset));
  word(word_at(offset + 4));
  put(' ');
  if (bytes == 8) put('-');
  for (uint32_t i = 8; i < bytes; i++) {
    char c = (char)at(offset + i);
    put(c <= ' ' || c == '*' || c == '~' ? '_' : c);
  }
  taken(sensor, samples);
  end();
}

static void records(void) {
  for (uint32_t offset = 0; offset < r.used;) {
    uint32_t head = word_at(offset), bytes = head & RECORD_MOST, sensor = head >> 24, value = word_at(offset + 4);
    uint32_t kind = head >> 20 & 15u;
    offset += HEAD;
    if (kind == SAMPLES) data(offset, bytes, sensor, value);
    if (kind == DECISION) decision(offset, bytes, sensor, value);
    if (kind == INFERENCE) {
      line('I');
      taken(sensor, value);
      end();
    }
    offset += bytes;
  }
  line('E');
  number(r.line);
  end();
  r.unseen = 0;
}

int blr_is_new(void) { return r.ring != NULL && r.unseen >= r.size / 2; }

void blr_dump(const char *trigger) {
  if (r.ring == NULL) return;
  header(trigger);
  records();
}

/* ---- faults ---- */

__attribute__((weak)) void blr_after_fault(void) {
  for (;;) {
  }
}

#if defined(__arm__) && defined(__GNUC__)
#define REGISTER(address) (*(volatile uint32_t *)(address))

static void named(const char *name, uint32_t value) {
  put(' ');
  while (*name != '\0') put(*name++);
  put('=');
  put_hex(value);
}

/* Faults come when the stack is at its end, too: they are dumped on a stack of their own. */
__attribute__((used)) static uint32_t blr_saved[8]; /* r4 to r11 */
__attribute__((used, aligned(8))) static uint32_t blr_stack[128];

/* Where the stack ends, if the linker's script has this name for it. */
extern uint32_t __stack_limit[] __attribute__((weak));

/* The core has stored its registers, unless that was what failed: MSTKERR, STKERR. STKOF is of an instruction, which
 * has left the stack pointer where it was, or of the storing, which has put it to the limit. */
static int has_frame(const uint32_t *frame) {
  uint32_t cfsr = REGISTER(0xE000ED28), sp = (uint32_t)(uintptr_t)frame, limit = (uint32_t)(uintptr_t)__stack_limit;
  if (cfsr & (1u << 4 | 1u << 12)) return 0;
  return (cfsr & 1u << 20) == 0 || (limit != 0 && sp > limit && sp < r.stack_top);
}

/* Returns the stack pointer as it was. */
static uint32_t registers(const uint32_t *frame, uint32_t exc_return) {
  static const char names[13][4] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12"};
  uint32_t sp = (uint32_t)(uintptr_t)frame;
  line('R');
  if (has_frame(frame)) {
    sp += (exc_return & 0x10 ? 32 : 104) + (frame[7] >> 9 & 1 ? 4 : 0);
    for (uint32_t i = 0; i < 13; i++) named(names[i], i < 4 ? frame[i] : i < 12 ? blr_saved[i - 4] : frame[4]);
    named("lr", frame[5]);
    named("pc", frame[6]);
    named("xpsr", frame[7]);
  } else {
    for (uint32_t i = 4; i < 12; i++) named(names[i], blr_saved[i - 4]);
  }
  named("sp", sp);
  end();
  return sp;
}

/* From `sp` on, or from the stack's end if it has overflowed: what is there tells who called. */
static void stack(uint32_t sp, int is_stored) {
  uint32_t limit = (uint32_t)(uintptr_t)__stack_limit, from = sp < limit ? limit : sp;
  uint32_t until = is_stored || limit != 0 ? from + STACK_MOST : 0;
  for (; from < until && from < r.stack_top; from += STACK_LINE) {
    line('K');
    word(from);
    put(' ');
    for (uint32_t i = from; i < from + STACK_LINE && i < r.stack_top; i++) put_byte(*(const uint8_t *)(uintptr_t)i);
    end();
  }
}

/* `frame`: where the core has stored registers. */
__attribute__((used, noinline)) void blr_fault(const uint32_t *frame, uint32_t exc_return) {
  uint32_t number_of_exception;
  if (r.ring == NULL) blr_after_fault();
  __asm volatile("mrs %0, ipsr" : "=r"(number_of_exception));
  header("fault");
  line('F');
  word(number_of_exception & 0x1ff);
  word(REGISTER(0xE000ED28));
  word(REGISTER(0xE000ED2C));
  word(REGISTER(0xE000ED34));
  word(REGISTER(0xE000ED38));
  end();
  stack(registers(frame, exc_return), has_frame(frame));
  records();
  blr_after_fault();
}

__attribute__((naked)) void blr_fault_handler(void) {
  __asm volatile(
      "tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n mov r1, lr\n"
      "ldr r2, =blr_saved\n stmia r2, {r4-r11}\n ldr r2, =blr_stack + 512\n mov sp, r2\n b blr_fault\n .ltorg\n");
}
#endif
