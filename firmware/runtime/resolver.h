// The operators of the model, registered by generated code. SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

const tflite::MicroOpResolver& boardless_resolver();
