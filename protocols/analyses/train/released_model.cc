#include "protocols/analyses/train/released_model.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include <nlohmann/json.hpp>

#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/model_file.h"

namespace consilium::train {
namespace {

using Json = nlohmann::ordered_json;

/// No plan allows more of any length, so products of two of them do not overflow.
constexpr std::size_t kLongest = 1'000'000;

tl::unexpected<Error> Incomplete(const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument, "the result does not tell all of its model: " + what,
              "Give the result.json of a study with kind = \"train\", as this version writes it.");
}

/// What stands under a key; null where nothing does.
const Json& At(const Json& object, const char* key) {
  static const Json kNothing;
  return object.is_object() && object.contains(key) ? object[key] : kNothing;
}

Result<std::string> TextAt(const Json& object, const char* key) {
  const Json& text = At(object, key);
  if (!text.is_string()) return Incomplete(std::string("there is no text \"") + key + "\"");
  return text.get<std::string>();
}

std::string TextOrNone(const Json& object, const char* key) {
  const Json& text = At(object, key);
  return text.is_string() ? text.get<std::string>() : std::string();
}

Result<std::vector<std::string>> TextsAt(const Json& object, const char* key) {
  std::vector<std::string> texts;
  if (!At(object, key).is_array())
    return Incomplete(std::string("there is no list \"") + key + "\"");
  for (const Json& text : At(object, key)) {
    if (!text.is_string()) return Incomplete(std::string("\"") + key + "\" is no list of texts");
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Result<std::size_t> LengthIn(const Json& length, const char* key) {
  const bool counts = length.is_number_unsigned() && length.get<std::uint64_t>() > 0 &&
                      length.get<std::uint64_t>() <= kLongest;
  if (!counts) return Incomplete(std::string("\"") + key + "\" is no length");
  return length.get<std::size_t>();
}

Result<std::vector<std::size_t>> LengthsAt(const Json& object, const char* key, std::size_t most) {
  std::vector<std::size_t> lengths;
  const Json& list = At(object, key);
  if (!list.is_array() || list.size() > most) {
    return Incomplete(std::string("\"") + key + "\" is no list of layers' widths");
  }
  for (const Json& length : list) {
    TRY(const std::size_t checked, LengthIn(length, key));
    lengths.push_back(checked);
  }
  return lengths;
}

/// A model that divides by a scale which is 0 in single precision has no predictions.
Status ReadScale(const Json& object, const std::string& of, double& centre, double& scale) {
  const Json& centre_at = At(object, "centre");
  const Json& scale_at = At(object, "scale");
  if (!centre_at.is_number() || !scale_at.is_number()) {
    return Incomplete("\"" + of + "\" has no centre or scale");
  }
  centre = centre_at.get<double>();
  scale = scale_at.get<double>();
  const bool usable = std::isfinite(static_cast<float>(centre)) &&
                      std::isnormal(static_cast<float>(scale)) && scale > 0;
  if (usable) return {};
  return Fail(ErrorCode::kCorrupt,
              "centre and scale of \"" + of + "\" are no numbers of single precision");
}

/// Neither says so by an absent number alone: what is to be done differs.
Status CheckWhole(const Json& model, const std::string& standardise) {
  if (!TextOrNone(model, "trainer").empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "a program of the sites learned this model, and only it knows what the numbers "
                "mean",
                "Write them as a .safetensors file.");
  }
  TRY(const std::vector<std::string> personal, TextsAt(model, "personal"));
  if (!personal.empty()) {
    std::string names = personal.front();
    for (std::size_t i = 1; i < personal.size(); ++i) names += ", " + personal[i];
    return Fail(ErrorCode::kInvalidArgument,
                "the model is not whole: of the layers that stayed at the sites (" + names +
                    ") the result has only the first weights",
                "Train without \"personal\" for a model that others can use; a .safetensors file "
                "can be had of these layers, too.");
  }
  if (standardise == "site") {
    return Fail(ErrorCode::kInvalidArgument,
                "the model is not whole: it takes features by each site's own means and "
                "deviations, which stayed there",
                "Train with standardise = \"federation\" or \"range\" for a model that others can "
                "use; a .safetensors file can be had of the layers alone.");
  }
  return {};
}

Status ReadInputs(const Json& model, ReleasedModel& released) {
  const Json& inputs = At(model, "inputs");
  if (!inputs.is_array() || inputs.empty()) return Incomplete("it has no inputs");
  for (const Json& input : inputs) {
    ReleasedInput read;
    TRY(read.name, TextAt(input, "name"));
    read.unit = TextOrNone(input, "unit");
    read.column = TextOrNone(input, "column");
    read.level = TextOrNone(input, "level");
    TRY_STATUS(ReadScale(input, read.name, read.centre, read.scale));
    released.inputs.push_back(std::move(read));
  }
  return {};
}

Status ReadOutput(const Json& model, ReleasedModel& released) {
  const Json& output = At(model, "output");
  TRY(released.outcome, TextAt(output, "name"));
  if (At(output, "centre").is_number()) {
    return ReadScale(output, released.outcome, released.outcome_centre, released.outcome_scale);
  }
  released.time = TextOrNone(output, "time");
  if (!released.time.empty()) return {};
  TRY(released.levels, TextsAt(output, "levels"));
  if (released.levels.size() < 2) return Incomplete("the outcome has no two levels");
  return {};
}

Result<Picture> ReadPicture(const Json& model, std::size_t inputs) {
  const Json& json = At(model, "picture");
  Picture picture;
  TRY(picture.height, LengthIn(At(json, "height"), "height"));
  TRY(picture.width, LengthIn(At(json, "width"), "width"));
  TRY(picture.channels, LengthIn(At(json, "channels"), "channels"));
  TRY(picture.window, LengthIn(At(json, "window"), "window"));
  TRY(picture.filters, LengthsAt(json, "filters", 5));
  const bool fits = picture.height * picture.width <= inputs &&
                    picture.height * picture.width * picture.channels == inputs;
  if (!fits || picture.filters.empty() || IsTooSmall(picture)) {
    return Incomplete("the picture does not fit its inputs or filters");
  }
  return picture;
}

Result<Network> ReadNetwork(const Json& model, ReleasedModel& released) {
  const std::size_t classes = released.levels.size();
  const std::size_t outputs = classes > 2 ? classes : 1;
  const Loss loss = !released.time.empty() ? Loss::kPartialLikelihood
                    : classes == 0         ? Loss::kSquared
                    : classes == 2         ? Loss::kBinary
                                           : Loss::kCategories;
  const bool is_cnn = released.kind == "cnn";
  TRY(const std::vector<std::size_t> hidden,
      LengthsAt(model, "hidden", is_cnn ? 4 : kMaxLayers - 1));
  if (!is_cnn) return MakeDenseNetwork(released.inputs.size(), hidden, outputs, loss);
  TRY(released.picture, ReadPicture(model, released.inputs.size()));
  return MakePictureNetwork(released.picture, hidden, outputs, loss);
}

Status ReadParameters(const std::vector<NamedNumbers>& found, ReleasedModel& released) {
  const std::vector<Tensor> expected = TensorsOf(released.network);
  if (found.size() != expected.size())
    return Incomplete("it has more or fewer layers than it says");
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].name != expected[i].name || found[i].shape != expected[i].shape) {
      return Incomplete("\"" + expected[i].name + "\" is not there, or has another shape");
    }
    const std::vector<float> numbers = FloatsOf(found[i].numbers);
    if (!AllFinite(numbers)) {
      return Fail(ErrorCode::kCorrupt, "\"" + expected[i].name + "\" holds what is no number");
    }
    released.parameters.insert(released.parameters.end(), numbers.begin(), numbers.end());
  }
  return {};
}

}  // namespace

Result<ReleasedModel> ReadReleasedModel(std::string_view result_json) {
  TRY(const Json result, ParseResult(result_json));
  TRY(const std::vector<NamedNumbers> tensors, ReleasedTensors(result));
  const Json& model = At(result, "model");
  ReleasedModel released;
  TRY(released.kind, TextAt(model, "kind"));
  TRY(released.standardise, TextAt(result, "standardise"));
  TRY(released.strategy, TextAt(result, "strategy"));
  released.study = TextOrNone(result, "study");
  released.title = TextOrNone(result, "title");
  TRY_STATUS(CheckWhole(model, released.standardise));
  TRY_STATUS(ReadInputs(model, released));
  TRY_STATUS(ReadOutput(model, released));
  TRY(released.network, ReadNetwork(model, released));
  TRY_STATUS(ReadParameters(tensors, released));
  return released;
}

}  // namespace consilium::train
