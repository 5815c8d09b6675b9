#include "protocols/analyses/train/kernel.h"

#include <algorithm>
#include <array>

#include "protocols/analyses/train/kernel_list.h"

namespace consilium::train {
namespace {

struct Usable {
  std::array<const Kernel*, 3> kernels{};
  std::size_t count = 0;

  void Add(const Kernel& kernel) { kernels[count++] = &kernel; }
};

Usable FindUsable() {
  Usable usable;
  usable.Add(kGenericKernel);
#ifdef CONSILIUM_X86_KERNELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) usable.Add(kAvx2Kernel);
  if (usable.count == 2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    usable.Add(kAvx512Kernel);
  }
#endif
  return usable;
}

const Usable& Found() {
  static const Usable kUsable = FindUsable();
  return kUsable;
}

}  // namespace

const Kernel& BestKernel() { return *Found().kernels[Found().count - 1]; }

std::span<const Kernel* const> UsableKernels() {
  return std::span(Found().kernels).first(Found().count);
}

std::size_t FloatsFor(const Layer* layers, std::size_t count, std::size_t samples) {
  std::size_t floats = Padded(layers[0].inputs * samples);
  std::size_t widest = 0;
  std::size_t most_patches = 0;
  for (std::size_t l = 0; l < count; ++l) {
    floats += Padded(layers[l].outputs * samples) + Padded(layers[l].patch_numbers() * samples);
    widest = std::max(widest, layers[l].outputs);
    most_patches = std::max(most_patches, layers[l].patch_numbers());
  }
  return floats + 2 * Padded(widest * samples) + Padded(most_patches * samples);
}

}  // namespace consilium::train
