#pragma once

// The arithmetic of training in float32, compiled once for each family of processors and chosen at
// run time. Plain structs and pointers only: what is inlined into these units must not be shared
// with the rest of the program, which runs on every processor.
//
// The models with one output and no hidden layer use no fused operation and one order of additions,
// so they give the same bits on every processor. Networks use Eigen's matrix products, whose last
// digits depend on the kind of processor. Neither depends on threads.

#include <cstddef>
#include <cstdint>
#include <span>

namespace consilium::train {

/// Rows of samples are padded with zeros to a multiple of this many floats.
inline constexpr std::size_t kLanes = 16;
/// Most layers of a network.
inline constexpr std::size_t kMaxLayers = 16;

constexpr std::size_t Padded(std::size_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

enum class Loss : std::uint8_t {
  kSquared = 1,     ///< Half the squared error.
  kBinary = 2,      ///< Cross-entropy of one logit.
  kCategories = 3,  ///< Cross-entropy of a softmax.
  /// Of rows compared with each other (cox_loss.h): no function here computes it.
  kPartialLikelihood = 4
};

/// One layer; parameters are its weights, row by row (an output or a filter each), then its biases.
/// Pictures lie pixel by pixel from the top left, a pixel's channels together.
struct Layer {
  enum class Kind : std::uint8_t {
    kDense = 1,
    kConvolution = 2,  ///< Windows of size x size pixels, each within the picture, one pixel apart.
    kPooling = 3       ///< The largest of 2 x 2 pixels; an odd last line or column is left out.
  };
  Kind kind = Kind::kDense;
  bool relu = false;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t at = 0;      ///< Where its parameters start.
  std::size_t height = 0;  ///< Of the picture below, as the next two; not of dense layers.
  std::size_t width = 0;
  std::size_t channels = 0;
  std::size_t size = 0;     ///< Of a convolution's windows.
  std::size_t filters = 0;  ///< Channels that a convolution makes.

  std::size_t out_height() const { return kind == Kind::kPooling ? height / 2 : height - size + 1; }
  std::size_t out_width() const { return kind == Kind::kPooling ? width / 2 : width - size + 1; }
  /// What one window's products are of.
  std::size_t window() const { return size * size * channels; }
  std::size_t weights() const {
    return kind == Kind::kDense         ? inputs * outputs
           : kind == Kind::kConvolution ? window() * filters
                                        : 0;
  }
  std::size_t biases() const {
    return kind == Kind::kDense ? outputs : kind == Kind::kConvolution ? filters : 0;
  }
  std::size_t parameters() const { return weights() + biases(); }
  /// Numbers in all windows of a picture.
  std::size_t patch_numbers() const {
    return kind == Kind::kConvolution ? out_height() * out_width() * window() : 0;
  }
};

/// Rows that the models with one output take at a time.
inline constexpr std::size_t kRun = 8;

/// Samples to compute on: rows `order[0 .. count)` of a matrix of `stride` floats a row. The float
/// after a row's `inputs` is 1, for the bias; the others up to `stride` are 0.
struct Samples {
  const float* rows = nullptr;
  std::size_t stride = 0;
  std::size_t inputs = 0;
  const float* targets = nullptr;  ///< Of all rows: number, 0 or 1, or index of the category.
  const std::uint32_t* order = nullptr;
  std::size_t count = 0;
  std::size_t following = 0;  ///< Rows named behind these, which come next: worth fetching early.
  /// 1, or kRun where for each k that it divides the rows named from k on lie one after the other,
  /// kRun of them or up to the last.
  std::size_t run = 1;
};

struct LossSums {
  double loss = 0;
  std::uint64_t hits = 0;  ///< Rows whose class was predicted.
};

/// What is summed of a row's loss is at most this: a diverging model has no bound otherwise.
inline constexpr float kLargestLoss = 1e6F;

struct NetworkTask {
  const Layer* layers = nullptr;
  std::size_t count = 0;
  Loss loss = Loss::kSquared;
  /// Of FloatsFor(layers, samples); its content does not matter.
  float* scratch = nullptr;
};

struct AdamTask {
  float rate = 0;    ///< With the bias correction of both moments in it.
  float first = 0;   ///< Decay of the first moment.
  float second = 0;  ///< Of the second.
  float floor = 0;   ///< epsilon, scaled like the second moment's root.
};

/// The functions of one family of processors.
struct Kernel {
  const char* name;
  /// One output, no hidden layer: adds the batch's loss and writes its mean gradient; `params` and
  /// `gradient` have `stride` floats, weights, bias, zeros; `logits` has Padded(count).
  void (*single_gradient)(const Samples& samples,
                          Loss loss,
                          const float* params,
                          float* gradient,
                          float* logits,
                          LossSums& sums);
  /// Its loss alone.
  void (*single_loss)(
      const Samples& samples, Loss loss, const float* params, float* logits, LossSums& sums);
  /// A network: adds the batch's loss and writes its mean gradient.
  void (*network_gradient)(const NetworkTask& task,
                           const Samples& samples,
                           const float* params,
                           float* gradient,
                           LossSums& sums);
  /// The same, and takes the step params -= rate * gradient without writing the gradient anywhere.
  void (*network_step)(
      const NetworkTask& task, const Samples& samples, float rate, float* params, LossSums& sums);
  void (*network_loss)(const NetworkTask& task,
                       const Samples& samples,
                       const float* params,
                       LossSums& sums);
  /// The gradient of a loss that is computed elsewhere, given its derivatives by the outputs, row
  /// by row.
  void (*network_pull)(const NetworkTask& task,
                       const Samples& samples,
                       const float* params,
                       const float* derivatives,
                       float* gradient);
  /// The outputs before the loss, row by row.
  void (*network_outputs)(const NetworkTask& task,
                          const Samples& samples,
                          const float* params,
                          float* outputs);
  /// to += factor * from
  void (*add)(std::size_t count, float factor, const float* from, float* to);
  /// to += factor * (a - b)
  void (*add_difference)(
      std::size_t count, float factor, const float* a, const float* b, float* to);
  /// velocity = momentum * velocity + gradient; params -= rate * velocity
  void (*momentum)(std::size_t count,
                   float momentum,
                   float rate,
                   const float* gradient,
                   float* velocity,
                   float* params);
  void (*adam)(std::size_t count,
               const AdamTask& task,
               const float* gradient,
               float* first,
               float* second,
               float* params);
};

/// The fastest that this processor can run.
const Kernel& BestKernel();
/// All that it can run, the slowest first.
std::span<const Kernel* const> UsableKernels();

/// How much scratch a network needs for so many samples at once.
std::size_t FloatsFor(const Layer* layers, std::size_t count, std::size_t samples);

}  // namespace consilium::train
