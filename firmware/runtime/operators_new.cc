// new and delete on the C heap; a failed new ends the run (no exceptions). SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <new>

#include "log.h"

void* operator new(std::size_t size) {
  void* p = std::malloc(size);
  if (p == nullptr) boardless_fail("operator new: out of heap (app.toml: heap = bytes)");
  return p;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
