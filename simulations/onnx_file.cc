#include "simulations/onnx_file.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <onnx/onnx_pb.h>

#include "common/check.h"
#include "protocols/analyses/train/floats.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;
using train::Layer;
using train::Loss;
using train::ReleasedInput;
using train::ReleasedModel;

/// ONNX 1.8 of November 2020: old enough for every runtime in use.
constexpr std::int64_t kFormat = 7;
constexpr std::int64_t kOperators = 13;

constexpr const char* kFeatures = "features";

using Shape = std::vector<std::size_t>;

void AddInitializer(const std::string& name,
                    const Shape& shape,
                    const std::vector<float>& numbers,
                    onnx::GraphProto& graph) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const std::size_t length : shape) tensor.add_dims(static_cast<std::int64_t>(length));
  tensor.set_raw_data(std::string(AsText(train::BytesOf(numbers))));
}

/// The shapes that a Reshape makes: -1 stands for the number of rows.
void AddShape(const std::string& name,
              const std::vector<std::int64_t>& lengths,
              onnx::GraphProto& graph) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(lengths.size()));
  for (const std::int64_t length : lengths) tensor.add_int64_data(length);
}

/// A node is called like its only output.
onnx::NodeProto& AddNode(const std::string& operation,
                         const std::vector<std::string>& inputs,
                         const std::string& output,
                         onnx::GraphProto& graph) {
  onnx::NodeProto& node = *graph.add_node();
  node.set_op_type(operation);
  node.set_name(output);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  return node;
}

void SetInteger(const std::string& name, std::int64_t value, onnx::NodeProto& node) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void SetIntegers(const std::string& name,
                 const std::vector<std::int64_t>& values,
                 onnx::NodeProto& node) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) attribute.add_ints(value);
}

/// A convolution's weights: ours lie pixel by pixel with their channels together, ONNX's channel by
/// channel.
std::vector<float> ChannelsFirst(const Layer& layer, std::span<const float> weights) {
  std::vector<float> moved;
  moved.reserve(weights.size());
  const std::size_t pixels = layer.size * layer.size;
  for (std::size_t filter = 0; filter < layer.filters; ++filter) {
    for (std::size_t channel = 0; channel < layer.channels; ++channel) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        moved.push_back(weights[(filter * pixels + pixel) * layer.channels + channel]);
      }
    }
  }
  return moved;
}

/// Likewise those of a dense layer whose inputs are the picture that `below` makes.
std::vector<float> ChannelsFirst(const Layer& layer,
                                 const Layer& below,
                                 std::span<const float> weights) {
  std::vector<float> moved;
  moved.reserve(weights.size());
  const std::size_t pixels = below.out_height() * below.out_width();
  for (std::size_t output = 0; output < layer.outputs; ++output) {
    for (std::size_t channel = 0; channel < below.channels; ++channel) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        moved.push_back(weights[output * layer.inputs + pixel * below.channels + channel]);
      }
    }
  }
  return moved;
}

/// Adds a model's nodes; `value_` is the name of what was computed last.
class GraphWriter {
 public:
  GraphWriter(const ReleasedModel& model, onnx::GraphProto& graph)
      : model_(model), graph_(graph), value_(kFeatures) {}

  void Write() {
    Standardise();
    if (model_.kind == "cnn") ShowPicture();
    for (std::size_t l = 0; l < model_.network.layers.size(); ++l) WriteLayer(l);
    switch (model_.network.loss) {
      case Loss::kSquared:
        return Unscale();
      case Loss::kBinary:
        return TwoProbabilities();
      case Loss::kCategories:
        SetInteger("axis", 1, Then("Softmax", {}, "probabilities"));
        return;
      case Loss::kPartialLikelihood:
        Then("Identity", {}, "log_hazard");
    }
  }

  const std::string& value() const { return value_; }

 private:
  onnx::NodeProto& Then(const std::string& operation,
                        std::vector<std::string> others,
                        const std::string& output) {
    others.insert(others.begin(), value_);
    value_ = output;
    return AddNode(operation, others, output, graph_);
  }

  void Standardise() {
    std::vector<float> centres;
    std::vector<float> scales;
    for (const ReleasedInput& input : model_.inputs) {
      centres.push_back(static_cast<float>(input.centre));
      scales.push_back(static_cast<float>(input.scale));
    }
    AddInitializer("centres", {centres.size()}, centres, graph_);
    AddInitializer("scales", {scales.size()}, scales, graph_);
    Then("Sub", {"centres"}, "centred");
    Then("Div", {"scales"}, "standardised");
  }

  void ShowPicture() {
    const Layer& first = model_.network.layers.front();
    AddShape("picture_shape",
             {-1, static_cast<std::int64_t>(first.height), static_cast<std::int64_t>(first.width),
              static_cast<std::int64_t>(first.channels)},
             graph_);
    Then("Reshape", {"picture_shape"}, "pixels");
    SetIntegers("perm", {0, 3, 1, 2}, Then("Transpose", {}, "picture"));
  }

  void WriteLayer(std::size_t l) {
    const Layer& layer = model_.network.layers[l];
    const std::string name = "layer" + std::to_string(l + 1);
    switch (layer.kind) {
      case Layer::Kind::kConvolution:
        Convolve(layer, name);
        break;
      case Layer::Kind::kPooling: {
        onnx::NodeProto& node = Then("MaxPool", {}, name);
        SetIntegers("kernel_shape", {2, 2}, node);
        SetIntegers("strides", {2, 2}, node);
        break;
      }
      case Layer::Kind::kDense:
        Multiply(layer, l, name);
        break;
    }
    if (layer.relu) Then("Relu", {}, name + ".relu");
  }

  std::span<const float> Weights(const Layer& layer) const {
    return std::span(model_.parameters).subspan(layer.at, layer.weights());
  }

  void AddBias(const Layer& layer, const std::string& name) {
    const auto numbers =
        std::span(model_.parameters).subspan(layer.at + layer.weights(), layer.biases());
    AddInitializer(name, {layer.biases()}, {numbers.begin(), numbers.end()}, graph_);
  }

  void Convolve(const Layer& layer, const std::string& name) {
    AddInitializer(name + ".weight", {layer.filters, layer.channels, layer.size, layer.size},
                   ChannelsFirst(layer, Weights(layer)), graph_);
    AddBias(layer, name + ".bias");
    onnx::NodeProto& node = Then("Conv", {name + ".weight", name + ".bias"}, name);
    const auto size = static_cast<std::int64_t>(layer.size);
    SetIntegers("kernel_shape", {size, size}, node);
  }

  void Multiply(const Layer& layer, std::size_t l, const std::string& name) {
    const std::span<const float> own = Weights(layer);
    std::vector<float> weights(own.begin(), own.end());
    if (l > 0 && model_.network.layers[l - 1].kind == Layer::Kind::kPooling) {
      weights = ChannelsFirst(layer, model_.network.layers[l - 1], own);
      SetInteger("axis", 1, Then("Flatten", {}, "flat"));
    }
    AddInitializer(name + ".weight", {layer.outputs, layer.inputs}, weights, graph_);
    AddBias(layer, name + ".bias");
    SetInteger("transB", 1, Then("Gemm", {name + ".weight", name + ".bias"}, name));
  }

  void Unscale() {
    AddInitializer("outcome_scale", {1}, {static_cast<float>(model_.outcome_scale)}, graph_);
    AddInitializer("outcome_centre", {1}, {static_cast<float>(model_.outcome_centre)}, graph_);
    Then("Mul", {"outcome_scale"}, "scaled");
    Then("Add", {"outcome_centre"}, "prediction");
  }

  /// A column for each level also where there are two, so that the most likely one is found alike
  /// in all models. Each is a sigmoid: 1 less the other would lose the digits of a small one.
  void TwoProbabilities() {
    const std::string log_odds = value_;
    AddNode("Neg", {log_odds}, "opposite", graph_);
    value_ = "opposite";
    SetInteger("axis", 1, Then("Concat", {log_odds}, "both"));
    Then("Sigmoid", {}, "probabilities");
  }

  const ReleasedModel& model_;
  onnx::GraphProto& graph_;
  std::string value_;
};

void Declare(const std::string& name,
             std::size_t width,
             const std::string& words,
             onnx::ValueInfoProto& value) {
  value.set_name(name);
  value.set_doc_string(words);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  type.mutable_shape()->add_dim()->set_dim_value(static_cast<std::int64_t>(width));
}

std::string InWords(const ReleasedInput& input) {
  if (!input.column.empty()) {
    return input.name + " (1 where " + input.column + " is \"" + input.level + "\", otherwise 0)";
  }
  return input.unit.empty() ? input.name : input.name + " [" + input.unit + "]";
}

std::string InputInWords(const ReleasedModel& model) {
  if (model.kind == "cnn") {
    return "a row a picture: its numbers line by line, in a line pixel by pixel, a pixel's "
           "channels together; not scaled";
  }
  std::string text = "a row a patient, not scaled; booleans are 0 or 1: ";
  for (std::size_t j = 0; j < model.inputs.size(); ++j) {
    text += (j > 0 ? ", " : "") + InWords(model.inputs[j]);
  }
  return text;
}

std::string OutputInWords(const ReleasedModel& model) {
  if (!model.time.empty()) {
    return "the logarithm of the hazard of " + model.outcome + " (time: " + model.time +
           "), relative to that of a patient with output 0";
  }
  if (model.levels.empty()) return "the predicted " + model.outcome;
  std::string text = "probabilities that " + model.outcome + " is: ";
  for (std::size_t k = 0; k < model.levels.size(); ++k) {
    text += (k > 0 ? ", " : "") + model.levels[k];
  }
  return text;
}

void Describe(const ReleasedModel& model, onnx::ModelProto& file) {
  Json terms = Json::array();
  for (const ReleasedInput& input : model.inputs) terms.push_back(input.name);
  const std::pair<const char*, std::string> entries[] = {
      {"study", model.study},       {"title", model.title},
      {"outcome", model.outcome},   {"terms", terms.dump()},
      {"model", model.kind},        {"levels", Json(model.levels).dump()},
      {"strategy", model.strategy}, {"standardise", model.standardise}};
  for (const auto& [key, value] : entries) {
    onnx::StringStringEntryProto& entry = *file.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  if (!model.time.empty()) {
    onnx::StringStringEntryProto& entry = *file.add_metadata_props();
    entry.set_key("time");
    entry.set_value(model.time);
  }
  file.set_doc_string(model.title);
}

}  // namespace

Bytes OnnxOf(const ReleasedModel& model) {
  onnx::ModelProto file;
  file.set_ir_version(kFormat);
  file.set_producer_name("consilium");
  file.set_producer_version(CONSILIUM_VERSION);
  onnx::OperatorSetIdProto& operators = *file.add_opset_import();
  operators.set_domain("");
  operators.set_version(kOperators);
  Describe(model, file);
  onnx::GraphProto& graph = *file.mutable_graph();
  graph.set_name("consilium_" + model.kind);
  GraphWriter writer(model, graph);
  writer.Write();
  Declare(kFeatures, model.inputs.size(), InputInWords(model), *graph.add_input());
  const std::size_t width = model.levels.empty() ? 1 : model.levels.size();
  Declare(writer.value(), width, OutputInWords(model), *graph.add_output());
  std::string bytes;
  // At most the parameters that a study may have: far from the two gigabytes of a message.
  CHECK(file.SerializeToString(&bytes));
  return ToBytes(AsBytes(bytes));
}

}  // namespace consilium
