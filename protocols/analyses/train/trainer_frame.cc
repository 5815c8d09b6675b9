#include "protocols/analyses/train/trainer_frame.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/safetensors.h"

namespace consilium::train {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestRequest = std::uint64_t{4} << 30;
/// Beside a reply's parameters: its head, losses, and metadata that nobody reads.
constexpr std::size_t kLongestRest = 64 * 1024;

/// The shortest decimal that reads back as the number.
std::string Text(double number) {
  char text[32];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, number);
    if (std::strtod(text, nullptr) == number) break;
  }
  return text;
}

std::string_view OutcomeKind(Loss loss) {
  switch (loss) {
    case Loss::kSquared:
      return "number";
    case Loss::kBinary:
      return "yes_no";
    case Loss::kCategories:
      return "category";
    case Loss::kPartialLikelihood:
      break;  // A plan with a trainer has one outcome.
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> MetadataOf(const TrainQuery& query,
                                                            const TrainPlan& plan) {
  Json columns = Json::array();
  for (const glm::Term& term : plan.design.terms) columns.push_back(term.name);
  const LocalSettings& local = plan.local;
  return {{"format", "consilium-trainer/1"},
          {"task", query.step == Step::kEvaluate ? "evaluate" : "train"},
          {"round", std::to_string(query.round)},
          {"seed", std::to_string(plan.seed)},
          {"columns", columns.dump()},
          {"outcome", plan.design.outcome.name},
          {"outcome_kind", std::string(OutcomeKind(plan.network.loss))},
          {"levels", Json(plan.design.outcome.levels).dump()},
          {"optimiser", std::string(NameOf(local.optimiser))},
          {"epochs", std::to_string(local.steps > 0 ? 0 : local.epochs)},
          {"steps", std::to_string(local.steps)},
          {"batch_size", std::to_string(local.batch)},
          {"learning_rate", Text(local.learning_rate)},
          {"momentum", Text(local.momentum)},
          {"l2", Text(local.l2)}};
}

/// Rows of the cohort as a table of `inputs` columns, and their outcomes.
void AppendRows(const SiteRows& rows,
                std::size_t first,
                std::size_t count,
                const std::string& ending,
                std::vector<NamedNumbers>& tensors) {
  std::vector<float> x(count * rows.inputs);
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(rows.values.data() + (first + i) * rows.stride, rows.inputs,
                x.data() + i * rows.inputs);
  }
  const auto start = rows.targets.begin() + static_cast<std::ptrdiff_t>(first);
  const std::vector<float> y(start, start + static_cast<std::ptrdiff_t>(count));
  tensors.push_back({"x" + ending, {count, rows.inputs}, BytesOf(x)});
  tensors.push_back({"y" + ending, {count}, BytesOf(y)});
}

/// A reader of one reply, whose errors name the program.
class Reading {
 public:
  Reading(const TrainQuery& query, const TrainPlan& plan, const SiteRows& rows)
      : query_(query), plan_(plan), rows_(rows) {}

  Result<TrainerReply> Read(ByteSpan output) const {
    if (output.empty()) return Refused("wrote nothing to stdout");
    if (output.size() < kLengthBytes ||
        LoadU64(output.first(kLengthBytes)) != output.size() - kLengthBytes) {
      return Refused("wrote something else than one frame to stdout");
    }
    const auto tensors = DecodeTensors(output.subspan(kLengthBytes));
    if (!tensors) return Refused("wrote " + tensors.error().message);
    TrainerReply reply;
    for (const NamedNumbers& tensor : *tensors) TRY_STATUS(Take(tensor, reply));
    TRY_STATUS(CheckComplete(reply));
    return reply;
  }

 private:
  tl::unexpected<Error> Refused(const std::string& what,
                                ErrorCode code = ErrorCode::kRefused) const {
    return Fail(code,
                "the trainer \"" + plan_.trainer->command + "\" " + what + " in round " +
                    std::to_string(query_.round),
                "Whoever wrote the program should see docs/analyses/train.md, \"Other trainers\".");
  }

  Status Take(const NamedNumbers& tensor, TrainerReply& reply) const {
    const std::vector<float> numbers = FloatsOf(tensor.numbers);
    if (!AllFinite(numbers)) {
      return Refused("answered with a number that is not finite among \"" + PrintedName(tensor) +
                         "\", as when the training diverges,",
                     ErrorCode::kNotEstimable);
    }
    if (tensor.name == "parameters") {
      if (tensor.shape != std::vector<std::size_t>{plan_.network.parameters}) {
        return Refused("answered with " + std::to_string(numbers.size()) +
                       " parameters, and the plan says a list of " +
                       std::to_string(plan_.network.parameters) + ",");
      }
      reply.parameters = numbers;
      return {};
    }
    const bool held_out = tensor.name == "held_out_loss";
    if (!held_out && tensor.name != "loss") {
      return Refused("answered with a tensor \"" + PrintedName(tensor) + "\", which has no use,");
    }
    if (numbers.size() != 1) return Refused("answered with a loss that is not one number");
    (held_out ? reply.held_out_loss : reply.loss) = static_cast<double>(numbers.front());
    return {};
  }

  /// A name that a program made up must not bring rows into an error.
  static std::string PrintedName(const NamedNumbers& tensor) {
    for (const char* name : {"parameters", "loss", "held_out_loss"}) {
      if (tensor.name == name) return name;
    }
    return "?";
  }

  Status CheckComplete(const TrainerReply& reply) const {
    if (query_.step == Step::kLearn && reply.parameters.empty()) {
      return Refused("answered without \"parameters\"");
    }
    if (!plan_.Validates()) return {};
    if (!reply.loss) {
      return Refused("answered without \"loss\", which the plan's validation needs,");
    }
    if (!reply.held_out_loss && !rows_.held_out.empty()) {
      return Refused("answered without \"held_out_loss\", which the plan's validation needs,");
    }
    return {};
  }

  const TrainQuery& query_;
  const TrainPlan& plan_;
  const SiteRows& rows_;
};

}  // namespace

Result<Bytes> EncodeRequest(const TrainQuery& query, const TrainPlan& plan, const SiteRows& rows) {
  const std::uint64_t all = rows.learned.size() + rows.held_out.size();
  if (all * (rows.inputs + 1) * 4 > kLongestRequest) {
    return Fail(
        ErrorCode::kDataQuality,
        "the cohort's " + std::to_string(all) + " rows are more than a trainer can be given",
        "ask for a plan with fewer features, or with stricter rules of eligibility");
  }
  TensorFile file;
  file.metadata = MetadataOf(query, plan);
  file.tensors.push_back({"parameters", {plan.network.parameters}, BytesOf(query.parameters)});
  AppendRows(rows, 0, rows.learned.size(), "", file.tensors);
  if (plan.Validates()) {
    AppendRows(rows, rows.first_held_out(), rows.held_out.size(), "_held_out", file.tensors);
  }
  Bytes frame = EncodeTensors(file);
  file.tensors.clear();  // The rows lie in memory twice already.
  const std::size_t size = frame.size();
  frame.insert(frame.begin(), kLengthBytes, std::byte{0});
  StoreU64(MutableByteSpan(frame).first(kLengthBytes), size);
  return frame;
}

std::size_t LongestReply(const TrainPlan& plan) {
  return 4 * plan.network.parameters + kLongestRest + 2 * kLengthBytes;
}

Result<TrainerReply> DecodeReply(ByteSpan output,
                                 const TrainQuery& query,
                                 const TrainPlan& plan,
                                 const SiteRows& rows) {
  return Reading(query, plan, rows).Read(output);
}

}  // namespace consilium::train
