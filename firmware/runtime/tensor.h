// Tensor: an input or output of the model, with typed and with quantised access. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "log.h"

namespace boardless {

// As TfLiteType, whose values never change.
enum class Type : uint8_t { kFloat32 = 1, kInt32 = 2, kUInt8 = 3, kInt64 = 4, kBool = 6, kInt16 = 7, kInt8 = 9 };

template <class T> struct TypeOf;
template <> struct TypeOf<float> { static constexpr Type value = Type::kFloat32; };
template <> struct TypeOf<int32_t> { static constexpr Type value = Type::kInt32; };
template <> struct TypeOf<uint8_t> { static constexpr Type value = Type::kUInt8; };
template <> struct TypeOf<int64_t> { static constexpr Type value = Type::kInt64; };
template <> struct TypeOf<bool> { static constexpr Type value = Type::kBool; };
template <> struct TypeOf<int16_t> { static constexpr Type value = Type::kInt16; };
template <> struct TypeOf<int8_t> { static constexpr Type value = Type::kInt8; };

// real value = scale * (stored value - zero_point); scale is 0 for a tensor that is not quantised.
struct Tensor {
  void* data;
  uint32_t bytes;
  Type type;
  float scale;
  int32_t zero_point;

  // The stored values; ends the run when the tensor is of another type.
  template <class T> T* as() const {
    if (type != TypeOf<T>::value) boardless_fail("tensor has type %d, not %d", (int)type, (int)TypeOf<T>::value);
    return static_cast<T*>(data);
  }
  template <class T> uint32_t count() const { return bytes / sizeof(T); }
  uint32_t count() const {
    switch (type) {
      case Type::kInt64: return bytes / 8;
      case Type::kFloat32:
      case Type::kInt32: return bytes / 4;
      case Type::kInt16: return bytes / 2;
      default: return bytes;
    }
  }

  // Real value of element i.
  float real(uint32_t i) const {
    if (type == Type::kFloat32) return static_cast<const float*>(data)[i];
    return scale * static_cast<float>(stored(i) - zero_point);
  }
  // Stores a real value as the tensor's type does: clip(rint(x / scale) + zero_point).
  void set_real(uint32_t i, float x) const {
    switch (type) {
      case Type::kFloat32: static_cast<float*>(data)[i] = x; break;
      case Type::kInt8: static_cast<int8_t*>(data)[i] = static_cast<int8_t>(quantised(x, -128, 127)); break;
      case Type::kUInt8: static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(quantised(x, 0, 255)); break;
      case Type::kInt16: static_cast<int16_t*>(data)[i] = static_cast<int16_t>(quantised(x, -32768, 32767)); break;
      default: boardless_fail("no real values in a tensor of type %d", (int)type);
    }
  }
  // Index of the largest element; the first one of several.
  uint32_t argmax() const {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count(); i++) {
      if (real(i) > real(best)) best = i;
    }
    return best;
  }

 private:
  int32_t stored(uint32_t i) const {
    switch (type) {
      case Type::kInt8: return static_cast<const int8_t*>(data)[i];
      case Type::kUInt8: return static_cast<const uint8_t*>(data)[i];
      case Type::kInt16: return static_cast<const int16_t*>(data)[i];
      case Type::kInt32: return static_cast<const int32_t*>(data)[i];
      default: boardless_fail("no real values in a tensor of type %d", (int)type);
    }
  }
  int32_t quantised(float x, int32_t low, int32_t high) const {
    const float value = std::nearbyint(x / scale) + static_cast<float>(zero_point);
    if (!(value > static_cast<float>(low))) return low;
    return value < static_cast<float>(high) ? static_cast<int32_t>(value) : high;
  }
};

}  // namespace boardless
