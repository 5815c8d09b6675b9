#define CONSILIUM_TRAIN_KERNEL generic
#define Eigen Eigen_train_generic

#include "protocols/analyses/train/kernel_body.h"
#include "protocols/analyses/train/kernel_list.h"

namespace consilium::train {

extern const Kernel kGenericKernel = generic::MakeKernel("generic");

}  // namespace consilium::train
