// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <new>

#include "boardless_port.h"
#include "recorder.h"
#include "resolver.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#ifdef BOARDLESS_TFLM_2020
#include "tensorflow/lite/micro/micro_error_reporter.h"
#endif
#ifdef BOARDLESS_VARIABLES
#include "tensorflow/lite/micro/micro_resource_variable.h"
#endif

extern "C" {
extern const uint8_t boardless_model_data[];
extern uint8_t __arena_start[], __arena_end[];
extern uint8_t __model_variables[];  // its address is how many the model has

// One inference, entry to return: the region that instruction counts and times of an inference mean.
__attribute__((noinline, used)) int boardless_invoke(void* interpreter) {
  return static_cast<tflite::MicroInterpreter*>(interpreter)->Invoke();
}
}

namespace boardless {
namespace {

alignas(tflite::MicroInterpreter) uint8_t storage[sizeof(tflite::MicroInterpreter)];

tflite::MicroInterpreter& interpreter() { return *reinterpret_cast<tflite::MicroInterpreter*>(storage); }

// Creates the interpreter in the first `bytes` of the arena. The former one is not destroyed: it owns nothing, and
// after a failed AllocateTensors its destructor would walk tables that were never filled.
bool create(uint32_t bytes) {
  const tflite::Model* model = tflite::GetModel(boardless_model_data);
#ifdef BOARDLESS_TFLM_2020
  static tflite::MicroErrorReporter reporter;
  new (storage) tflite::MicroInterpreter(model, boardless_resolver(), __arena_start, bytes, &reporter);
#elif defined(BOARDLESS_VARIABLES)
  // They live in the arena too, and keep their values from one inference to the next.
  auto* allocator = tflite::MicroAllocator::Create(__arena_start, bytes);
  const auto count = static_cast<int>(reinterpret_cast<uintptr_t>(__model_variables));
  auto* variables = tflite::MicroResourceVariables::Create(allocator, count);
  new (storage) tflite::MicroInterpreter(model, boardless_resolver(), allocator, variables);
#else
  new (storage) tflite::MicroInterpreter(model, boardless_resolver(), __arena_start, bytes);
#endif
  return interpreter().initialization_status() == kTfLiteOk && interpreter().AllocateTensors() == kTfLiteOk;
}

uint32_t arena_used() {
  boardless_log_quiet(1);  // the 2020 tree prints three lines with this
  const uint32_t used = static_cast<uint32_t>(interpreter().arena_used_bytes());
  boardless_log_quiet(0);
  return used;
}

Tensor seen(const TfLiteTensor* t) {
  return {t->data.raw, static_cast<uint32_t>(t->bytes), static_cast<Type>(t->type), t->params.scale,
          t->params.zero_point};
}

// Any values will do that no operator can choke on: indices stay 0, floats small.
void fill(const Tensor& t) {
  uint8_t* bytes = static_cast<uint8_t*>(t.data);
  for (uint32_t i = 0; i < t.bytes; i++) bytes[i] = 0;
  if (t.type == Type::kInt8 || t.type == Type::kUInt8) {
    for (uint32_t i = 0; i < t.bytes; i++) bytes[i] = static_cast<uint8_t>(i * 37u + 11u);
  } else if (t.type == Type::kFloat32) {
    for (uint32_t i = 0; i < t.bytes / 4; i++) static_cast<float*>(t.data)[i] = (i * 37u % 101u) * 0.02f - 1.0f;
  }
}

}  // namespace

Model::Model(const char* app) {
  const uint32_t size = static_cast<uint32_t>(__arena_end - __arena_start);
  if (!create(size)) {
    boardless_fail("%s: the model does not start with an arena of %u bytes: %s", app, static_cast<unsigned>(size),
                   boardless_last_line());
  }
  bl_info("arena_used", arena_used());
  bl_ready(app);
}

uint32_t Model::inputs() const { return static_cast<uint32_t>(interpreter().inputs_size()); }
uint32_t Model::outputs() const { return static_cast<uint32_t>(interpreter().outputs_size()); }
Tensor Model::input(uint32_t i) const { return seen(interpreter().input(i)); }
Tensor Model::output(uint32_t i) const { return seen(interpreter().output(i)); }

void Model::invoke() {
  boardless_recorder_inference();
  if (boardless_invoke(&interpreter()) != kTfLiteOk) boardless_fail("inference failed: %s", boardless_last_line());
}

Trial try_arena(uint32_t bytes, bool infer) {
  const uint32_t size = static_cast<uint32_t>(__arena_end - __arena_start);
  if (bytes > size) bytes = size;
  Trial trial = {};
  const bool quiet = bytes < size;  // with all of the arena a failure is worth reading
  boardless_log_quiet(quiet);
  if (create(bytes)) {
    trial.runs = true;
    trial.used = arena_used();
    boardless_log_quiet(quiet);
    if (infer) {
      for (uint32_t i = 0; i < interpreter().inputs_size(); i++) fill(seen(interpreter().input(i)));
      trial.runs = boardless_invoke(&interpreter()) == kTfLiteOk;
      trial.hash = 2166136261u;  // FNV-1a
      for (uint32_t i = 0; i < interpreter().outputs_size(); i++) {
        const Tensor t = seen(interpreter().output(i));
        for (uint32_t k = 0; k < t.bytes; k++) {
          trial.hash = (trial.hash ^ static_cast<const uint8_t*>(t.data)[k]) * 16777619u;
        }
      }
    }
  }
  boardless_log_quiet(0);
  return trial;
}

}  // namespace boardless
