#pragma once

// The functions of kernel.h, for the processors that the including unit is compiled for. That unit
// names its namespace, and Eigen's with it, so that nothing here is merged by the linker with what
// another unit was compiled to.

#include "protocols/analyses/train/kernel_lanes.h"
#include "protocols/analyses/train/kernel_network.h"

namespace consilium::train::CONSILIUM_TRAIN_KERNEL {
namespace {

// -- Steps
// -------------------------------------------------------------------------------------------

void Add(std::size_t count, float factor, const float* from, float* to) {
  for (std::size_t j = 0; j < count; ++j) to[j] += factor * from[j];
}

void AddDifference(std::size_t count, float factor, const float* a, const float* b, float* to) {
  for (std::size_t j = 0; j < count; ++j) to[j] += factor * (a[j] - b[j]);
}

void Momentum(std::size_t count,
              float momentum,
              float rate,
              const float* gradient,
              float* velocity,
              float* params) {
  for (std::size_t j = 0; j < count; ++j) {
    velocity[j] = momentum * velocity[j] + gradient[j];
    params[j] -= rate * velocity[j];
  }
}

void Adam(std::size_t count,
          const AdamTask& task,
          const float* gradient,
          float* first,
          float* second,
          float* params) {
  for (std::size_t j = 0; j < count; ++j) {
    const float g = gradient[j];
    first[j] = task.first * first[j] + (1.0F - task.first) * g;
    second[j] = task.second * second[j] + (1.0F - task.second) * (g * g);
    params[j] -= task.rate * first[j] / (__builtin_sqrtf(second[j]) + task.floor);
  }
}

constexpr Kernel MakeKernel(const char* name) {
  return Kernel{name,         &SingleGradient, &SingleLoss,  &NetworkGradient,
                &NetworkStep, &NetworkLoss,    &NetworkPull, &NetworkOutputs,
                &Add,         &AddDifference,  &Momentum,    &Adam};
}

}  // namespace
}  // namespace consilium::train::CONSILIUM_TRAIN_KERNEL
