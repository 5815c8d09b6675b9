// The float32 kernels against loops in double that share nothing with them, on every family of
// processors that this machine can play. Also covers protocols/analyses/train/kernel_generic.cc,
// protocols/analyses/train/kernel_avx2.cc and protocols/analyses/train/kernel_avx512.cc.

#include "protocols/analyses/train/kernel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/analyses/train/network.h"

namespace consilium::train {
namespace {

/// Rows of random numbers, targets for a loss, and an order in which every row but one is named.
struct Data {
  std::size_t rows;
  std::size_t inputs;
  std::size_t stride;
  std::vector<float> values;
  std::vector<float> targets;
  std::vector<std::uint32_t> order;

  Data(std::size_t count, std::size_t width, Loss loss, std::size_t classes)
      : rows(count),
        inputs(width),
        stride(Padded(width + 1)),
        values(count * stride, 0.0F),
        targets(count) {
    SeededRandom random(std::uint64_t{count * 100 + width});
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < inputs; ++j) {
        values[i * stride + j] = static_cast<float>(4 * random.Unit() - 2);
      }
      values[i * stride + inputs] = 1;
      targets[i] = loss == Loss::kSquared ? static_cast<float>(3 * random.Unit())
                                          : static_cast<float>(random.Below(classes));
    }
    for (std::size_t i = rows; i-- > 1;) order.push_back(static_cast<std::uint32_t>(i));
  }

  Samples View() const {
    return {values.data(), stride, inputs, targets.data(), order.data(), order.size()};
  }
};

std::vector<float> RandomParameters(std::size_t count) {
  std::vector<float> parameters(Padded(count), 0.0F);
  SeededRandom random(std::uint64_t{5});
  for (std::size_t i = 0; i < count; ++i) {
    parameters[i] = static_cast<float>(random.Unit() - 0.5);
  }
  return parameters;
}

/// Convolution and pooling as their definitions read, pixel by pixel.
std::vector<double> LayerByHand(const Layer& layer,
                                const std::vector<double>& parameters,
                                const std::vector<double>& values) {
  std::vector<double> next(layer.outputs);
  if (layer.kind == Layer::Kind::kDense) {
    for (std::size_t k = 0; k < layer.outputs; ++k) {
      next[k] = parameters[layer.at + layer.weights() + k];
      for (std::size_t j = 0; j < layer.inputs; ++j) {
        next[k] += parameters[layer.at + k * layer.inputs + j] * values[j];
      }
    }
    return next;
  }
  const auto pixel = [&](std::size_t y, std::size_t x, std::size_t c) {
    return values[(y * layer.width + x) * layer.channels + c];
  };
  const bool pools = layer.kind == Layer::Kind::kPooling;
  const std::size_t depth = pools ? layer.channels : layer.filters;
  for (std::size_t y = 0; y < layer.out_height(); ++y) {
    for (std::size_t x = 0; x < layer.out_width(); ++x) {
      for (std::size_t f = 0; f < depth; ++f) {
        double& to = next[(y * layer.out_width() + x) * depth + f];
        if (pools) {
          to = std::max(std::max(pixel(2 * y, 2 * x, f), pixel(2 * y, 2 * x + 1, f)),
                        std::max(pixel(2 * y + 1, 2 * x, f), pixel(2 * y + 1, 2 * x + 1, f)));
          continue;
        }
        to = parameters[layer.at + layer.weights() + f];
        for (std::size_t i = 0; i < layer.size; ++i) {
          for (std::size_t j = 0; j < layer.size; ++j) {
            for (std::size_t c = 0; c < layer.channels; ++c) {
              const std::size_t weight =
                  ((f * layer.size + i) * layer.size + j) * layer.channels + c;
              to += parameters[layer.at + weight] * pixel(y + i, x + j, c);
            }
          }
        }
      }
    }
  }
  return next;
}

/// Mean loss of the data by plain loops in double; also the hits.
double LossByHand(const Network& network,
                  const Data& data,
                  const std::vector<double>& parameters,
                  std::uint64_t* hits = nullptr) {
  double total = 0;
  for (const std::uint32_t row : data.order) {
    std::vector<double> values(
        data.values.begin() + static_cast<long>(row * data.stride),
        data.values.begin() + static_cast<long>(row * data.stride + data.inputs));
    for (const Layer& layer : network.layers) {
      values = LayerByHand(layer, parameters, values);
      for (double& value : values) {
        if (layer.relu) value = std::max(value, 0.0);
      }
    }
    const double target = static_cast<double>(data.targets[row]);
    if (network.loss == Loss::kSquared) {
      total += 0.5 * (values[0] - target) * (values[0] - target);
    } else if (network.loss == Loss::kBinary) {
      total += std::log(1 + std::exp(values[0])) - target * values[0];
      if (hits != nullptr) *hits += (values[0] > 0) == (target > 0.5) ? 1U : 0U;
    } else {
      double sum = 0;
      for (const double value : values) sum += std::exp(value);
      total += std::log(sum) - values[static_cast<std::size_t>(target)];
      const auto best = std::max_element(values.begin(), values.end()) - values.begin();
      if (hits != nullptr) *hits += best == static_cast<long>(target) ? 1U : 0U;
    }
  }
  return total / static_cast<double>(data.order.size());
}

/// Central differences in double: exact to about 1e-9 where no threshold is crossed.
std::vector<double> GradientByHand(const Network& network,
                                   const Data& data,
                                   const std::vector<float>& parameters) {
  constexpr double kStep = 1e-6;
  std::vector<double> at(parameters.begin(),
                         parameters.begin() + static_cast<long>(network.parameters));
  std::vector<double> gradient(network.parameters);
  for (std::size_t j = 0; j < gradient.size(); ++j) {
    const double here = at[j];
    at[j] = here + kStep;
    const double above = LossByHand(network, data, at);
    at[j] = here - kStep;
    const double below = LossByHand(network, data, at);
    at[j] = here;
    gradient[j] = (above - below) / (2 * kStep);
  }
  return gradient;
}

struct Case {
  Network network;
  Data data;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const Loss loss : {Loss::kSquared, Loss::kBinary, Loss::kCategories}) {
    const std::size_t outputs = loss == Loss::kCategories ? 5 : 1;
    const std::size_t classes = loss == Loss::kCategories ? 5 : 2;
    for (const std::vector<std::size_t>& hidden : {std::vector<std::size_t>{}, {7}, {19, 6}}) {
      cases.push_back({MakeDenseNetwork(11, hidden, outputs, loss), Data(38, 11, loss, classes)});
    }
  }
  // Odd sizes, of which pooling leaves a line out; two channels; one and two convolutions.
  const Picture small{9, 8, 2, 3, {3}};
  cases.push_back(
      {MakePictureNetwork(small, {5}, 1, Loss::kSquared), Data(9, 9 * 8 * 2, Loss::kSquared, 2)});
  const Picture deep{12, 13, 1, 3, {2, 4}};
  cases.push_back(
      {MakePictureNetwork(deep, {}, 5, Loss::kCategories), Data(7, 12 * 13, Loss::kCategories, 5)});
  return cases;
}

void ExpectNear(const std::vector<double>& expected, const float* found, double tolerance) {
  double largest = 0;
  for (const double number : expected) largest = std::max(largest, std::abs(number));
  for (std::size_t j = 0; j < expected.size(); ++j) {
    EXPECT_NEAR(static_cast<double>(found[j]), expected[j], tolerance * largest) << j;
  }
}

TEST(KernelTest, GradientsAndLossesAreThoseOfLoopsInDouble) {
  for (const Kernel* kernel : UsableKernels()) {
    for (const Case& one : Cases()) {
      SCOPED_TRACE(kernel->name);
      const std::vector<float> parameters = RandomParameters(one.network.parameters);
      const std::vector<double> exact(
          parameters.begin(), parameters.begin() + static_cast<long>(one.network.parameters));
      std::uint64_t hits = 0;
      const double loss = LossByHand(one.network, one.data, exact, &hits);
      const Samples samples = one.data.View();
      std::vector<float> gradient(parameters.size());
      std::vector<float> scratch(
          FloatsFor(one.network.layers.data(), one.network.layers.size(), samples.count));
      const NetworkTask task{one.network.layers.data(), one.network.layers.size(), one.network.loss,
                             scratch.data()};
      LossSums sums;
      kernel->network_gradient(task, samples, parameters.data(), gradient.data(), sums);
      const std::vector<double> reference = GradientByHand(one.network, one.data, parameters);
      ExpectNear(reference, gradient.data(), 5e-6);
      EXPECT_NEAR(sums.loss / static_cast<double>(samples.count), loss, 2e-6 * loss);
      EXPECT_EQ(sums.hits, hits);
      LossSums alone;
      kernel->network_loss(task, samples, parameters.data(), alone);
      EXPECT_EQ(alone.loss, sums.loss);

      std::vector<float> stepped = parameters;
      kernel->network_step(task, samples, 0.5F, stepped.data(), sums);
      for (std::size_t j = 0; j < exact.size(); ++j) {
        EXPECT_NEAR(static_cast<double>(stepped[j]), exact[j] - 0.5 * reference[j], 1e-5);
      }

      if (!one.network.IsSingle()) continue;
      LossSums single;
      kernel->single_gradient(samples, one.network.loss, parameters.data(), gradient.data(),
                              scratch.data(), single);
      ExpectNear(reference, gradient.data(), 5e-6);
      EXPECT_NEAR(single.loss / static_cast<double>(samples.count), loss, 2e-6 * loss);
      EXPECT_EQ(single.hits, hits);
    }
  }
}

/// A loss that is computed elsewhere: here the squared one, whose derivatives are known.
TEST(KernelTest, DerivativesByTheOutputsArePulledBackToTheParameters) {
  for (const Kernel* kernel : UsableKernels()) {
    for (const Case& one : Cases()) {
      if (one.network.loss != Loss::kSquared) continue;
      SCOPED_TRACE(kernel->name);
      const std::vector<float> parameters = RandomParameters(one.network.parameters);
      const Samples samples = one.data.View();
      std::vector<float> scratch(
          FloatsFor(one.network.layers.data(), one.network.layers.size(), samples.count));
      const NetworkTask task{one.network.layers.data(), one.network.layers.size(),
                             Loss::kPartialLikelihood, scratch.data()};
      std::vector<float> derivatives(samples.count);
      kernel->network_outputs(task, samples, parameters.data(), derivatives.data());
      for (std::size_t i = 0; i < samples.count; ++i) {
        derivatives[i] = (derivatives[i] - samples.targets[samples.order[i]]) /
                         static_cast<float>(samples.count);
      }
      std::vector<float> gradient(parameters.size());
      kernel->network_pull(task, samples, parameters.data(), derivatives.data(), gradient.data());
      ExpectNear(GradientByHand(one.network, one.data, parameters), gradient.data(), 5e-6);
    }
  }
}

TEST(KernelTest, ModelsWithOneOutputGiveTheSameBitsOnEveryProcessor) {
  for (const Loss loss : {Loss::kSquared, Loss::kBinary}) {
    for (const std::size_t inputs : {1U, 15U, 16U, 30U, 100U}) {
      const Data data(75, inputs, loss, 2);
      const std::vector<float> parameters = RandomParameters(inputs + 1);
      std::vector<float> first(data.stride);
      LossSums first_sums;
      for (const Kernel* kernel : UsableKernels()) {
        std::vector<float> gradient(data.stride);
        std::vector<float> residuals(Padded(data.order.size()));
        LossSums sums;
        kernel->single_gradient(data.View(), loss, parameters.data(), gradient.data(),
                                residuals.data(), sums);
        if (kernel == UsableKernels().front()) {
          first = gradient;
          first_sums = sums;
        }
        EXPECT_EQ(std::memcmp(first.data(), gradient.data(), first.size() * sizeof(float)), 0)
            << kernel->name << ", " << inputs << " inputs";
        EXPECT_EQ(sums.loss, first_sums.loss) << kernel->name;
      }
    }
  }
}

TEST(KernelTest, RowsInRunsGiveTheBitsOfTheSameRowsOneByOne) {
  for (const std::size_t inputs : {6U, 30U, 40U}) {
    Data data(150, inputs, Loss::kBinary, 2);
    data.order.clear();
    for (const std::uint32_t start : {40U, 8U, 127U, 64U, 96U, 3U}) {
      for (std::uint32_t k = 0; k < kRun; ++k) data.order.push_back(start + k);
    }
    data.order.resize(data.order.size() - 3);  // The last run is no whole one.
    const std::vector<float> parameters = RandomParameters(inputs + 1);
    for (const Kernel* kernel : UsableKernels()) {
      Samples samples = data.View();
      std::vector<float> gradients[2];
      LossSums sums[2];
      for (std::size_t in_runs = 0; in_runs < 2; ++in_runs) {
        samples.run = in_runs == 1 ? kRun : 1;
        gradients[in_runs].resize(data.stride);
        std::vector<float> residuals(Padded(samples.count));
        kernel->single_gradient(samples, Loss::kBinary, parameters.data(),
                                gradients[in_runs].data(), residuals.data(), sums[in_runs]);
      }
      EXPECT_EQ(gradients[0], gradients[1]) << kernel->name;
      EXPECT_EQ(sums[0].loss, sums[1].loss) << kernel->name;
      EXPECT_EQ(sums[0].hits, sums[1].hits) << kernel->name;
    }
  }
}

/// Rows far on the right side lose little, and what they lose is neither rounded away nor doubled.
TEST(KernelTest, SmallLossesKeepTheirDigits) {
  Data data(150, 1, Loss::kBinary, 2);
  double expected = 0;
  for (std::size_t i = 0; i < data.rows; ++i) {
    const double logit = 9 + 0.1 * static_cast<double>(i);
    data.values[i * data.stride] = static_cast<float>(logit);
    data.targets[i] = 1;
    if (i > 0) expected += std::log1p(std::exp(-static_cast<double>(static_cast<float>(logit))));
  }
  std::vector<float> parameters(data.stride, 0.0F);
  parameters[0] = 1;
  for (const Kernel* kernel : UsableKernels()) {
    std::vector<float> residuals(Padded(data.order.size()));
    LossSums sums;
    kernel->single_loss(data.View(), Loss::kBinary, parameters.data(), residuals.data(), sums);
    EXPECT_NEAR(sums.loss, expected, 2e-6 * expected) << kernel->name;
  }
}

TEST(KernelTest, LargeLogitsKeepFiniteLossesAndGradients) {
  Data data(9, 1, Loss::kBinary, 2);
  for (std::size_t i = 0; i < data.rows; ++i)
    data.values[i * data.stride] = i % 2 == 0 ? 1e4F : -1e4F;
  std::vector<float> parameters(data.stride, 0.0F);
  parameters[0] = 1;
  for (const Kernel* kernel : UsableKernels()) {
    std::vector<float> gradient(data.stride);
    std::vector<float> residuals(Padded(data.order.size()));
    LossSums sums;
    kernel->single_gradient(data.View(), Loss::kBinary, parameters.data(), gradient.data(),
                            residuals.data(), sums);
    double expected = 0;
    for (const std::uint32_t row : data.order) {
      const bool positive = data.values[row * data.stride] > 0;
      if (positive != (data.targets[row] > 0.5F)) expected += 1e4;
    }
    EXPECT_NEAR(sums.loss, expected, 1e-6 * expected + 1e-9) << kernel->name;
    EXPECT_TRUE(std::isfinite(gradient[0]));
  }
}

TEST(KernelTest, AdamTakesTheStepsOfItsPaper) {
  // Kingma and Ba 2015, algorithm 1, in double.
  const std::vector<double> gradients = {0.3, -0.1, 0.7};
  double m = 0;
  double v = 0;
  double w = 1;
  for (std::size_t t = 1; t <= gradients.size(); ++t) {
    const double g = gradients[t - 1];
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= 0.01 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
  }
  for (const Kernel* kernel : UsableKernels()) {
    std::vector<float> first(20, 0.0F);
    std::vector<float> second(20, 0.0F);
    std::vector<float> parameters(20, 1.0F);
    for (std::size_t t = 1; t <= gradients.size(); ++t) {
      const std::vector<float> gradient(20, static_cast<float>(gradients[t - 1]));
      const double root = std::sqrt(1 - std::pow(0.999, t));
      const AdamTask task{static_cast<float>(0.01 * root / (1 - std::pow(0.9, t))), 0.9F, 0.999F,
                          static_cast<float>(1e-8 * root)};
      kernel->adam(20, task, gradient.data(), first.data(), second.data(), parameters.data());
    }
    for (const float parameter : parameters) {
      EXPECT_NEAR(static_cast<double>(parameter), w, 2e-6) << kernel->name;
    }
  }
}

}  // namespace
}  // namespace consilium::train
