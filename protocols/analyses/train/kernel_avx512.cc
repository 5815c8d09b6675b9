#define CONSILIUM_TRAIN_KERNEL avx512
#define Eigen Eigen_train_avx512

#include "protocols/analyses/train/kernel_body.h"
#include "protocols/analyses/train/kernel_list.h"

namespace consilium::train {

extern const Kernel kAvx512Kernel = avx512::MakeKernel("avx512");

}  // namespace consilium::train
