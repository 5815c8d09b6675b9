#pragma once

// A trained model as an ONNX file, for any program that runs such models. A module of its own, so
// that only who writes such files is linked with Protocol Buffers.

#include "common/bytes.h"
#include "protocols/analyses/train/released_model.h"

namespace consilium {

/// The model with all that lies between a patient's values and a prediction (ONNX 1.8: format 7,
/// operators 13; https://onnx.ai). Input "features", float32 [N, inputs]: a row a patient, each
/// number in its contract's unit, scaled within. Output "probabilities", float32 [N, levels], a row
/// adding up to 1; of a numeric outcome "prediction", float32 [N, 1], in the outcome's unit. The
/// metadata name study, outcome, terms, levels and strategy. The same model gives the same bytes.
Bytes OnnxOf(const train::ReleasedModel& model);

}  // namespace consilium
