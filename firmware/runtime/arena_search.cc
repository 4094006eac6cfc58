// Sizing the arena: the host asks, the image tries, without relinking. SPDX-License-Identifier: Apache-2.0
#include "boardless_port.h"
#include "model.h"

namespace boardless {

void search_arena() {
  bl_ready("arena_search");
  for (;;) {
    const uint32_t bytes = bl_config("arena_try", 0);
    if (bytes == 0) break;
    const Trial trial = try_arena(bytes, bl_config("arena_invoke", 0) != 0);
    bl_info("arena_used", trial.used);
    bl_info("arena_hash", trial.hash);
    bl_info("arena_runs", trial.runs);
  }
  bl_exit(0);
  boardless_fail("the engine went on after the end of the run");
}

}  // namespace boardless
