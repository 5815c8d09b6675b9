// Eigen has another name here: compiled for this processor, it is not the Eigen of the rest.
#define Eigen Eigen_of_this_processor

#include "tests/benchmarks/training_baselines.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>

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

  Matrix gathered_x;
  Vector gathered_y;
  std::vector<Eigen::Index> order;

  void Draw(std::size_t round) {
    order.resize(static_cast<std::size_t>(x.front().rows()));
    std::iota(order.begin(), order.end(), Eigen::Index{0});
    std::uint64_t state = 2 * round + 1;
    for (std::size_t i = order.size(); i > 1; --i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      std::swap(order[i - 1], order[(state >> 33) % i]);
    }
  }

  /// The batch's rows side by side, as the products want them.
  void TrainShuffled(std::size_t site, Eigen::Index batch, float rate) {
    const Matrix& rows = x[site];
    gathered_x.resize(rows.rows(), features);
    gathered_y.resize(rows.rows());
    for (Eigen::Index i = 0; i < rows.rows(); ++i) {
      const Eigen::Index row = order[static_cast<std::size_t>(i)];
      gathered_x.row(i) = rows.row(row);
      gathered_y[i] = y[site][row];
    }
    Train(gathered_x, gathered_y, batch, rate);
  }

  void Train(const Matrix& rows, const Vector& outcomes, Eigen::Index batch, float rate) {
    for (Eigen::Index at = 0; at < rows.rows(); at += batch) {
      const Eigen::Index size = std::min(batch, rows.rows() - at);
      residual.head(size).noalias() = rows.middleRows(at, size) * local;
      residual.head(size).array() = 1 / (1 + (-(residual.head(size).array() + local_bias)).exp()) -
                                    outcomes.segment(at, size).array();
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

std::vector<float> BareFedAvg::Run(std::size_t rounds, std::size_t batch, float rate, Rows rows) {
  State& state = *state_;
  state.residual.resize(Signed(batch));
  state.gradient.resize(state.features);
  Vector weights = Vector::Zero(state.features);
  Vector sum(state.features);
  float bias = 0;
  const auto sites = static_cast<float>(state.x.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    if (rows == Rows::kShuffled) state.Draw(round);
    sum.setZero();
    float bias_sum = 0;
    for (std::size_t site = 0; site < state.x.size(); ++site) {
      state.local = weights;
      state.local_bias = bias;
      if (rows == Rows::kShuffled) {
        state.TrainShuffled(site, Signed(batch), rate);
      } else {
        state.Train(state.x[site], state.y[site], Signed(batch), rate);
      }
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
