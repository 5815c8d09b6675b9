#pragma once

// The kernels that this build has; kernel.cc knows which of them the processor can run.

#include "protocols/analyses/train/kernel.h"

namespace consilium::train {

extern const Kernel kGenericKernel;
extern const Kernel kAvx2Kernel;
extern const Kernel kAvx512Kernel;

}  // namespace consilium::train
