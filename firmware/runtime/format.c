/* A small printf: the C library's would add 27 KB to every image. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "log.h"

typedef struct {
  char *out;
  size_t size, length;
} text_t;

static void put(text_t *text, char c) {
  if (text->length + 1 < text->size) text->out[text->length] = c;
  text->length++;
}

static void put_padded(text_t *text, const char *digits, int count, int width, char fill, int left, char sign) {
  int spaces = width - count - (sign != 0);
  if (sign && fill == '0') put(text, sign);
  for (; !left && spaces > 0; spaces--) put(text, fill);
  if (sign && fill != '0') put(text, sign);
  for (int i = 0; i < count; i++) put(text, digits[i]);
  for (; left && spaces > 0; spaces--) put(text, ' ');
}

static int digits_of(uint64_t value, unsigned base, const char *letters, char *end) {
  int count = 0;
  do {
    *--end = letters[value % base];
    value /= base;
    count++;
  } while (value);
  return count;
}

/* Fixed point with up to 9 decimals; beyond 2^63 and for infinities a word, as no log needs more. */
static void put_float(text_t *text, double value, int precision, int width, char fill, int left) {
  char buffer[40], *end = buffer + sizeof buffer;
  char sign = 0;
  uint64_t scale = 1, whole, part;
  int count = 0;
  if (value != value) {
    put_padded(text, "nan", 3, width, ' ', left, 0);
    return;
  }
  if (value < 0) sign = '-', value = -value;
  if (value >= 9.2e18) {
    put_padded(text, "inf", 3, width, ' ', left, sign);
    return;
  }
  if (precision > 9) precision = 9;
  for (int i = 0; i < precision; i++) scale *= 10;
  whole = (uint64_t)value;
  part = (uint64_t)((value - (double)whole) * (double)scale + 0.5);
  if (part >= scale) whole++, part -= scale;
  for (int i = 0; i < precision; i++, part /= 10) *--end = (char)('0' + part % 10), count++;
  if (precision) *--end = '.', count++;
  count += digits_of(whole, 10, "0123456789", end);
  put_padded(text, buffer + sizeof buffer - count, count, width, fill, left, sign);
}

int boardless_vsnprintf(char *out, size_t size, const char *format, va_list args) {
  text_t text = {out, size, 0};
  for (; *format; format++) {
    char fill = ' ', sign = 0, buffer[24], *end = buffer + sizeof buffer;
    int left = 0, width = 0, precision = -1, longs = 0;
    if (*format != '%') {
      put(&text, *format);
      continue;
    }
    for (format++; *format == '-' || *format == '0' || *format == '+' || *format == ' ' || *format == '#'; format++) {
      if (*format == '-') left = 1;
      if (*format == '0') fill = '0';
      if (*format == '+') sign = '+';
    }
    if (*format == '*') {
      width = va_arg(args, int);
      format++;
    }
    for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + *format - '0';
    if (*format == '.') {
      precision = 0;
      if (*++format == '*') {
        precision = va_arg(args, int);
        format++;
      }
      for (; *format >= '0' && *format <= '9'; format++) precision = precision * 10 + *format - '0';
    }
    for (; *format == 'l' || *format == 'h' || *format == 'z' || *format == 't' || *format == 'j'; format++) {
      longs += *format == 'l' ? 1 : *format == 'j' ? 2 : 0;
    }
    switch (*format) {
      case 'd':
      case 'i': {
        int64_t value = longs >= 2 ? va_arg(args, long long) : va_arg(args, int);
        uint64_t size_of = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        int count = digits_of(size_of, 10, "0123456789", end);
        put_padded(&text, end - count, count, width, fill, left, value < 0 ? '-' : sign);
        break;
      }
      case 'u':
      case 'x':
      case 'X': {
        uint64_t value = longs >= 2 ? va_arg(args, unsigned long long) : va_arg(args, unsigned);
        int count = digits_of(value, *format == 'u' ? 10 : 16,
                              *format == 'X' ? "0123456789ABCDEF" : "0123456789abcdef", end);
        put_padded(&text, end - count, count, width, fill, left, 0);
        break;
      }
      case 'p': {
        int count = digits_of((uintptr_t)va_arg(args, void *), 16, "0123456789abcdef", end);
        put(&text, '0'), put(&text, 'x');
        put_padded(&text, end - count, count, 8, '0', 0, 0);
        break;
      }
      case 'c': {
        buffer[0] = (char)va_arg(args, int);
        put_padded(&text, buffer, 1, width, ' ', left, 0);
        break;
      }
      case 's': {
        const char *word = va_arg(args, const char *);
        int count = 0;
        if (!word) word = "(null)";
        while (word[count] && (precision < 0 || count < precision)) count++;
        put_padded(&text, word, count, width, ' ', left, 0);
        break;
      }
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
        put_float(&text, va_arg(args, double), precision < 0 ? 6 : precision, width, fill, left);
        break;
      case '%':
        put(&text, '%');
        break;
      case '\0':
        format--;
        break;
      default: /* unknown: shown as it is */
        put(&text, '%');
        put(&text, *format);
    }
  }
  if (size) out[text.length < size ? text.length : size - 1] = '\0';
  return (int)text.length;
}
