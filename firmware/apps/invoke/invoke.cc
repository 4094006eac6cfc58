// Runs any model: every input tensor comes from the host, every output tensor goes back.
#include "app.h"

using namespace boardless;

int main() {
  if (bl_config("arena_search", 0)) search_arena();
  Model model("invoke");
  for (;;) {
    for (uint32_t i = 0; i < model.inputs(); i++) {
      if (!receive(i, model.input(i))) finish();
    }
    model.invoke();
    for (uint32_t i = 0; i < model.outputs(); i++) send(i, model.output(i));
  }
}
