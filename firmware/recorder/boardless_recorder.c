/* SPDX-License-Identifier: Apache-2.0 */
#include "boardless_recorder.h"

enum { SENSORS = 4, HEAD = 8, LINE_BYTES = 48, LABEL = 24, STACK_MOST = 512, STACK_LINE = 32 };
enum { SAMPLES = 1, DECISION = 2, CONTINUED = 3 }; /* CONTINUED: samples of the read that the record before is of */

static struct {
  uint8_t *ring;
  uint32_t size, head, used; /* the oldest record begins at head */
  const char *app;
  const uint8_t *build_id;
  uint32_t build_id_bytes, stack_top;
  void (*put)(char);
  struct {
    const char *name;
    uint32_t rate_mhz, range, range2, channels, width;
  } sensor[SENSORS];
  uint32_t sensors;
  uint32_t line, crc; /* of the dump that is under way */
} r;

/* ---- the ring: records of a head (length, kind, sensor, value) and bytes ---- */

static uint8_t at(uint32_t offset) { return r.ring[(r.head + offset) % r.size]; }

static uint32_t word_at(uint32_t offset) {
  return (uint32_t)at(offset) | (uint32_t)at(offset + 1) << 8 | (uint32_t)at(offset + 2) << 16 |
         (uint32_t)at(offset + 3) << 24;
}

static void push(uint8_t byte) {
  r.ring[(r.head + r.used) % r.size] = byte;
  r.used++;
}

static uint32_t kind_of_oldest(void) { return word_at(0) >> 16 & 0xffu; }

static void drop_oldest(void) {
  uint32_t length = (word_at(0) & 0xffffu) + HEAD;
  r.head = (r.head + length) % r.size;
  r.used -= length;
}

/* Room for a record; the oldest go, and with them the rest of a read: what is kept begins where a read did, so that a
 * replay makes its windows of the same samples. 0: it would never fit. */
static int begin(uint32_t kind, uint32_t sensor, uint32_t value, uint32_t bytes) {
  if (r.ring == NULL || bytes + HEAD > r.size || bytes > 0xffffu) return 0;
  while (r.size - r.used < bytes + HEAD) drop_oldest();
  while (r.used > 0 && kind_of_oldest() != SAMPLES) drop_oldest();
  push((uint8_t)bytes);
  push((uint8_t)(bytes >> 8));
  push((uint8_t)kind);
  push((uint8_t)sensor);
  for (int i = 0; i < 32; i += 8) push((uint8_t)(value >> i));
  return 1;
}

void blr_init(void *memory, uint32_t bytes, const char *app, const uint8_t *build_id, uint32_t build_id_bytes,
              uint32_t stack_top, void (*put)(char)) {
  r.ring = bytes > HEAD && put != NULL ? memory : NULL;
  r.size = bytes;
  r.head = r.used = r.sensors = 0;
  r.app = app;
  r.build_id = build_id;
  r.build_id_bytes = build_id != NULL ? build_id_bytes : 0;
  r.stack_top = stack_top;
  r.put = put;
}

int blr_sensor(const char *name, uint32_t rate_mhz, uint32_t range, uint32_t range2, uint32_t channels, uint32_t width) {
  if (r.sensors == SENSORS || channels * width == 0) return -1;
  r.sensor[r.sensors].name = name;
  r.sensor[r.sensors].rate_mhz = rate_mhz;
  r.sensor[r.sensors].range = range;
  r.sensor[r.sensors].range2 = range2;
  r.sensor[r.sensors].channels = channels;
  r.sensor[r.sensors].width = width;
  return (int)r.sensors++;
}

/* In pieces that make one line each, so that a torn line costs little. */
void blr_samples(int sensor, uint32_t first, const void *codes, uint32_t samples) {
  const uint8_t *from = codes;
  uint32_t size, most, kind = SAMPLES;
  if (sensor < 0 || (uint32_t)sensor >= r.sensors) return;
  size = r.sensor[sensor].channels * r.sensor[sensor].width;
  most = size < LINE_BYTES ? LINE_BYTES / size : 1;
  while (samples > 0) {
    uint32_t n = samples < most ? samples : most;
    if (!begin(kind, (uint32_t)sensor, first, n * size)) return;
    for (uint32_t i = 0; i < n * size; i++) push(from[i]);
    kind = CONTINUED;
    from += n * size;
    first += n;
    samples -= n;
  }
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
  }
}

static void records(void) {
  for (uint32_t offset = 0; offset < r.used;) {
    uint32_t head = word_at(offset), bytes = head & 0xffffu, sensor = head >> 24, value = word_at(offset + 4);
    offset += HEAD;
    if ((head >> 16 & 0xffu) != DECISION) {
      line('D');
      put(' ');
      put_text(r.sensor[sensor].name);
      number(value);
      put(' ');
      for (uint32_t i = 0; i < bytes; i++) put_byte(at(offset + i));
    } else {
      line('C');
      number(word_at(offset));
      word(word_at(offset + 4));
      put(' ');
      if (bytes == 8) put('-');
      for (uint32_t i = 8; i < bytes; i++) {
        char c = (char)at(offset + i);
        put(c <= ' ' || c == '*' || c == '~' ? '_' : c);
      }
      if (sensor < r.sensors) {
        put(' ');
        put_text(r.sensor[sensor].name);
        put('=');
        put_number(value);
      }
    }
    end();
    offset += bytes;
  }
  line('E');
  number(r.line);
  end();
}

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

/* `frame`: what the core has saved; `saved`: r4 to r11. */
__attribute__((used, noinline)) void blr_fault(const uint32_t *frame, const uint32_t *saved, uint32_t exc_return) {
  static const char names[13][4] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12"};
  uint32_t sp = (uint32_t)(uintptr_t)frame + (exc_return & 0x10 ? 32 : 104) + (frame[7] >> 9 & 1 ? 4 : 0);
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
  line('R');
  for (uint32_t i = 0; i < 13; i++) named(names[i], i < 4 ? frame[i] : i < 12 ? saved[i - 4] : frame[4]);
  named("sp", sp);
  named("lr", frame[5]);
  named("pc", frame[6]);
  named("xpsr", frame[7]);
  end();
  for (uint32_t from = sp; r.stack_top > from && from - sp < STACK_MOST; from += STACK_LINE) {
    line('K');
    word(from);
    put(' ');
    for (uint32_t i = from; i < from + STACK_LINE && i < r.stack_top; i++) put_byte(*(const uint8_t *)(uintptr_t)i);
    end();
  }
  records();
  blr_after_fault();
}

__attribute__((naked)) void blr_fault_handler(void) {
  __asm volatile(
      "tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n push {r4-r11}\n mov r1, sp\n mov r2, lr\n b blr_fault\n");
}
#endif
