// Eigen has another name here: compiled for this processor, it is not the Eigen of the rest.
#define Eigen Eigen_of_this_processor

#include "tests/benchmarks/training_baselines.h"

#include <algorithm>

#include <Eigen/Core>

namespace consilium {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXf;

Eigen::Index Signed(std::size_t count) { return static_cast<Eigen::Index>(count); }

}  // namespace

struct BareFedAvg::State {
  std::vector<Matrix> x;
  std::vector<Vector> y;
  Eigen::Index features = 0;

  Vector residual;
  Vector gradient;
  Vector local;
  float local_bias = 0;

  void Train(std::size_t site, Eigen::Index batch, float rate) {
    const Matrix& rows = x[site];
    for (Eigen::Index at = 0; at < rows.rows(); at += batch) {
      const Eigen::Index size = std::min(batch, rows.rows() - at);
      residual.head(size).noalias() = rows.middleRows(at, size) * local;
      residual.head(size).array() = 1 / (1 + (-(residual.head(size).array() + local_bias)).exp()) -
                                    y[site].segment(at, size).array();
      gradient.noalias() = rows.middleRows(at, size).transpose() * residual.head(size);
      const float step = rate / static_cast<float>(size);
      local -= step * gradient;
      local_bias -= step * residual.head(size).sum();
    }
  }
};

BareFedAvg::BareFedAvg(const std::vector<BareRows>& sites, std::size_t features)
    : state_(std::make_unique<State>()) {
  state_->features = Signed(features);
  for (const BareRows& site : sites) {
    const Eigen::Index rows = Signed(site.y.size());
    state_->x.emplace_back(Eigen::Map<const Matrix>(site.x.data(), rows, state_->features));
    state_->y.emplace_back(Eigen::Map<const Vector>(site.y.data(), rows));
  }
}

BareFedAvg::~BareFedAvg() = default;

std::vector<float> BareFedAvg::Run(std::size_t rounds, std::size_t batch, float rate) {
  State& state = *state_;
  state.residual.resize(Signed(batch));
  state.gradient.resize(state.features);
  Vector weights = Vector::Zero(state.features);
  Vector sum(state.features);
  float bias = 0;
  const auto sites = static_cast<float>(state.x.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    sum.setZero();
    float bias_sum = 0;
    for (std::size_t site = 0; site < state.x.size(); ++site) {
      state.local = weights;
      state.local_bias = bias;
      state.Train(site, Signed(batch), rate);
      sum += state.local - weights;
      bias_sum += state.local_bias - bias;
    }
    weights += sum / sites;
    bias += bias_sum / sites;
  }
  std::vector<float> result(weights.data(), weights.data() + weights.size());
  result.push_back(bias);
  return result;
}

struct BareProducts::State {
  Matrix rows;
  Eigen::Index batch = 0;
  std::vector<Matrix> weights;
  std::vector<Matrix> gradients;
  std::vector<Matrix> values;
  std::vector<Matrix> derivatives;
};

BareProducts::BareProducts(const std::vector<std::size_t>& widths,
                           std::size_t rows,
                           std::size_t batch)
    : state_(std::make_unique<State>()) {
  state_->rows = Matrix::Random(Signed(rows), Signed(widths.front()));
  state_->batch = Signed(batch);
  for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
    const Eigen::Index in = Signed(widths[l]);
    const Eigen::Index out = Signed(widths[l + 1]);
    state_->weights.emplace_back(Matrix::Random(out, in) * 0.05F);
    state_->gradients.emplace_back(Matrix::Zero(out, in));
    state_->values.emplace_back(Matrix::Zero(state_->batch, out));
    state_->derivatives.emplace_back(Matrix::Random(state_->batch, out));
  }
}

BareProducts::~BareProducts() = default;

float BareProducts::Run() {
  State& s = *state_;
  const std::size_t last = s.weights.size() - 1;
  for (Eigen::Index at = 0; at + s.batch <= s.rows.rows(); at += s.batch) {
    s.values[0].noalias() = s.rows.middleRows(at, s.batch) * s.weights[0].transpose();
    for (std::size_t l = 1; l <= last; ++l) {
      s.values[l].noalias() = s.values[l - 1] * s.weights[l].transpose();
    }
    for (std::size_t l = last; l > 0; --l) {
      s.derivatives[l - 1].noalias() = s.derivatives[l] * s.weights[l];
      s.gradients[l].noalias() = s.derivatives[l].transpose() * s.values[l - 1];
    }
    s.gradients[0].noalias() = s.derivatives[0].transpose() * s.rows.middleRows(at, s.batch);
  }
  return s.gradients[0](0, 0);
}

}  // namespace consilium
