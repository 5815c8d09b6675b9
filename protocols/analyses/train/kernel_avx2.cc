#define CONSILIUM_TRAIN_KERNEL avx2
#define Eigen Eigen_train_avx2

#include "protocols/analyses/train/kernel_body.h"
#include "protocols/analyses/train/kernel_list.h"

namespace consilium::train {

extern const Kernel kAvx2Kernel = avx2::MakeKernel("avx2");

}  // namespace consilium::train
