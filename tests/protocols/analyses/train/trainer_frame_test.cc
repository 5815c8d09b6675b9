// Training by a program of a site, played here by a function: what it is told, what is believed of
// its answers, and that the course around it is that of our own models.

#include "protocols/analyses/train/trainer_frame.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/model_file.h"
#include "protocols/analyses/train/safetensors.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;
using train::NamedNumbers;
using train::TensorFile;
using Tensors = std::map<std::string, std::vector<float>>;

Bytes FrameOf(const TensorFile& file) {
  const Bytes tensors = train::EncodeTensors(file);
  Bytes frame(8);
  StoreU64(MutableByteSpan(frame), tensors.size());
  frame.insert(frame.end(), tensors.begin(), tensors.end());
  return frame;
}

Bytes FrameOf(const Tensors& tensors) {
  TensorFile file;
  for (const auto& [name, numbers] : tensors) {
    file.tensors.push_back({name, {numbers.size()}, train::BytesOf(numbers)});
  }
  return FrameOf(file);
}

/// What a program sees of a request.
struct Request {
  Json settings;
  std::map<std::string, NamedNumbers> tensors;

  std::vector<float> Floats(const std::string& name) const {
    return train::FloatsOf(tensors.at(name).numbers);
  }
};

Request ReadRequest(ByteSpan frame) {
  EXPECT_EQ(LoadU64(frame.first(8)), frame.size() - 8);
  const ByteSpan file = frame.subspan(8);
  const std::uint64_t head = LoadU64(file.first(8));
  Request request;
  request.settings = Json::parse(AsText(file.subspan(8, head)))["__metadata__"];
  std::vector<NamedNumbers> tensors = train::DecodeTensors(file).value();
  for (NamedNumbers& tensor : tensors) {
    const std::string name = tensor.name;
    request.tensors.emplace(name, std::move(tensor));
  }
  return request;
}

using Program = std::function<Result<Bytes>(const Request&)>;

class TrainerByFunction final : public ExternalTrainer {
 public:
  explicit TrainerByFunction(Program program) : program_(std::move(program)) {}
  Status Exchange(ByteSpan request, std::size_t longest, const Reader& read) const override {
    TRY(const Bytes output, program_(ReadRequest(request)));
    EXPECT_LE(output.size(), longest);
    return read(output);
  }

 private:
  Program program_;
};

Plan With(Plan plan, Program program) {
  plan.analysis =
      plan.analysis->WithTrainer(std::make_shared<const TrainerByFunction>(std::move(program)));
  return plan;
}

Plan TrainerPlan(const std::string& rest,
                 const std::string& outcome = "ill",
                 const std::string& parameters = "3") {
  return TrainPlanOf(
      outcome, "trainer = { command = [\"other\"], parameters = " + parameters + " }\n" + rest);
}

/// Logistic regression by one step on all rows, in double.
struct Learned {
  std::vector<double> step;
  double loss = 0;
};

Learned StepOf(const std::vector<float>& w,
               const std::vector<float>& x,
               const std::vector<float>& y) {
  Learned learned{std::vector<double>(w.size(), 0.0), 0};
  const std::size_t columns = w.size() - 1;
  const auto rows = static_cast<double>(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    double logit = static_cast<double>(w.back());
    for (std::size_t j = 0; j < columns; ++j) {
      logit += static_cast<double>(w[j]) * static_cast<double>(x[i * columns + j]);
    }
    const double target = static_cast<double>(y[i]);
    const double error = 1 / (1 + std::exp(-logit)) - target;
    for (std::size_t j = 0; j < columns; ++j) {
      learned.step[j] += error * static_cast<double>(x[i * columns + j]) / rows;
    }
    learned.step[columns] += error / rows;
    learned.loss += (std::log1p(std::exp(logit)) - target * logit) / rows;
  }
  return learned;
}

Result<Bytes> Logistic(const Request& request) {
  std::vector<float> w = request.Floats("parameters");
  const Learned learned = StepOf(w, request.Floats("x"), request.Floats("y"));
  Tensors reply = {{"loss", {static_cast<float>(learned.loss)}}};
  if (request.tensors.contains("y_held_out")) {
    const Learned held_out = StepOf(w, request.Floats("x_held_out"), request.Floats("y_held_out"));
    reply["held_out_loss"] = {static_cast<float>(held_out.loss)};
  }
  const double rate = std::stod(request.settings["learning_rate"].get<std::string>());
  for (std::size_t j = 0; j < w.size(); ++j) {
    w[j] = static_cast<float>(static_cast<double>(w[j]) - rate * learned.step[j]);
  }
  if (request.settings["task"] == "train") reply["parameters"] = w;
  return FrameOf(reply);
}

constexpr const char* kCourse =
    "rounds = 25\nbatch_size = 100000\nlearning_rate = 1.2\nvalidation = 0.25\n"
    "server_learning_rate = 0.7\nstrategy = ";

/// Sums, weights, clipping, the server's step, the curve and the choice of the best round are those
/// of our own models: the two differ by the rounding of single precision alone.
TEST(TrainerFrameTest, ACourseIsThatOfOurOwnModel) {
  for (const char* strategy :
       {"\"fedavg\"", "\"fedavgm\"", "\"fedadam\"", "\"fedyogi\"", "\"fedadagrad\"", "\"rfa\""}) {
    for (const char* clip : {"\nclip = 10", "\nclip = 0.05"}) {
      const std::string rest = std::string(kCourse) + strategy + clip;
      const Plan own = TrainPlanOf("ill", "model = \"logistic\"\n" + rest);
      const Plan other = With(TrainerPlan(rest), &Logistic);
      const std::vector<Cohort> sites = TrainSites(own, 4);
      const Json expected = RunOn(own, sites).json;
      const Json found = RunOn(other, sites).json;
      ExpectNear(ParametersOf(found), ParametersOf(expected), 2e-5);
      EXPECT_EQ(found["best_round"], expected["best_round"]);
      ASSERT_EQ(found["curve"].size(), expected["curve"].size());
      for (std::size_t i = 0; i < found["curve"].size(); ++i) {
        const Json& point = found["curve"][i];
        const Json& as = expected["curve"][i];
        EXPECT_NEAR(point["training_loss"].get<double>(), as["training_loss"].get<double>(), 1e-5);
        EXPECT_NEAR(point["validation_loss"].get<double>(), as["validation_loss"].get<double>(),
                    1e-5);
        EXPECT_EQ(point["clipped_share"], as["clipped_share"]);
        EXPECT_TRUE(point["training_accuracy"].is_null());
      }
    }
  }
}

TEST(TrainerFrameTest, TellsTheProgramAllThatThePlanSays) {
  std::vector<Request> seen;
  const Plan plan =
      With(TrainerPlan("rounds = 2\nlocal_epochs = 7\nbatch_size = 11\nlearning_rate = 0.05\n"
                       "momentum = 0.25\nl2 = 0.001\nseed = 5\nvalidation = 0.2\nstandardise = "
                       "\"range\""),
           [&seen](const Request& request) {
             seen.push_back(request);
             return Logistic(request);
           });
  const std::vector<Cohort> one = {TrainPatients(plan, 50, 1)};
  RunOn(plan, one);
  ASSERT_EQ(seen.size(), 3u);
  const Json expected = {{"format", "consilium-trainer/1"},
                         {"task", "train"},
                         {"round", "1"},
                         {"seed", "5"},
                         {"columns", "[\"dose\",\"age\"]"},
                         {"outcome", "ill"},
                         {"outcome_kind", "yes_no"},
                         {"levels", "[]"},
                         {"optimiser", "sgd"},
                         {"epochs", "7"},
                         {"steps", "0"},
                         {"batch_size", "11"},
                         {"learning_rate", "0.05"},
                         {"momentum", "0.25"},
                         {"l2", "0.001"}};
  EXPECT_EQ(seen[0].settings, expected);
  EXPECT_EQ(seen[1].settings["round"], "2");
  EXPECT_EQ(seen[2].settings["task"], "evaluate");
  EXPECT_EQ(seen[0].tensors.at("x").shape, (std::vector<std::size_t>{40, 2}));
  EXPECT_EQ(seen[0].tensors.at("x_held_out").shape, (std::vector<std::size_t>{10, 2}));
  EXPECT_EQ(seen[0].tensors.at("y").shape, std::vector<std::size_t>{40});
  EXPECT_EQ(seen[0].Floats("parameters"), std::vector<float>(3, 0.0F));
  // Every row, on the contract's scale, with its own outcome: on one side or the other.
  std::vector<std::vector<float>> rows;
  for (const std::string side : {"", "_held_out"}) {
    const std::vector<float> x = seen[0].Floats("x" + side);
    const std::vector<float> y = seen[0].Floats("y" + side);
    for (std::size_t i = 0; i < y.size(); ++i) rows.push_back({x[2 * i], x[2 * i + 1], y[i]});
  }
  std::vector<std::vector<float>> all;
  for (Eigen::Index i = 0; i < one[0].values.rows(); ++i) {
    all.push_back({static_cast<float>((one[0].values(i, 1) - 5) / 5),
                   static_cast<float>((one[0].values(i, 2) - 55) / 35),
                   static_cast<float>(one[0].values(i, 0))});
  }
  EXPECT_THAT(rows, ::testing::UnorderedElementsAreArray(all));
}

TEST(TrainerFrameTest, OutcomesAreLevelsOrScaledNumbers) {
  std::vector<float> y;
  const Program sees = [&y](const Request& request) {
    y = request.Floats("y");
    return FrameOf(Tensors{{"parameters", request.Floats("parameters")}});
  };
  const Plan groups = With(TrainerPlan("rounds = 1", "group", "9"), sees);
  RunOn(groups, {TrainPatients(groups, 60, 1)});
  EXPECT_THAT(y, ::testing::IsSupersetOf({0.0F, 1.0F, 2.0F}));
  const Plan pressure = With(TrainerPlan("rounds = 1", "pressure"), sees);
  const Json result = RunOn(pressure, {TrainPatients(pressure, 60, 1)}).json;
  double sum = 0;
  for (const float value : y) sum += static_cast<double>(value);
  EXPECT_NEAR(sum / 60, 0, 1e-6);
  EXPECT_GT(result["model"]["output"]["scale"].get<double>(), 1);
}

/// A program need not measure a loss.
TEST(TrainerFrameTest, WithoutALossTheCurveHasNone) {
  const Plan plan = With(TrainerPlan("rounds = 2"), [](const Request& request) {
    EXPECT_FALSE(request.tensors.contains("x_held_out"));
    return FrameOf(Tensors{{"parameters", {1, 2, 3}}});
  });
  const Outcome outcome = RunOn(plan, TrainSites(plan, 3));
  for (const Json& point : outcome.json["curve"]) EXPECT_TRUE(point["training_loss"].is_null());
  ExpectNear(ParametersOf(outcome.json), {1, 2, 3}, 1e-6);
  EXPECT_THAT(outcome.result.table, HasSubstr("model by the trainer \"other\""));
}

TEST(TrainerFrameTest, TheResultIsOneTensor) {
  const Plan plan = With(TrainerPlan("rounds = 1"), &Logistic);
  const Json result = RunOn(plan, TrainSites(plan, 3)).json;
  EXPECT_EQ(result["model"]["kind"], "trainer");
  EXPECT_EQ(result["model"]["trainer"], "other");
  EXPECT_EQ(result["model"]["parameters"], 3);
  const Bytes file = train::SafetensorsOf(result.dump()).value();
  const auto tensors = train::DecodeTensors(file).value();
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, "parameters");
  EXPECT_EQ(tensors[0].shape, std::vector<std::size_t>{3});
}

TEST(TrainerFrameTest, EverySiteBeginsAtTheSameDraw) {
  const auto begin = [](const std::string& rest) {
    const std::string text =
        "trainer = { command = [\"other\"], parameters = 1000, start = "
        "\"uniform\", start_bound = 0.5 }\nrounds = 1\n";
    return train::FirstParameters(TrainPlanIn(TrainPlanOf("ill", text + rest)));
  };
  const std::vector<float> drawn = begin("");
  EXPECT_EQ(begin(""), drawn);
  EXPECT_NE(begin("seed = 2"), drawn);
  double sum = 0;
  for (const float number : drawn) {
    EXPECT_LE(std::abs(number), 0.5F);
    sum += static_cast<double>(number);
  }
  // Four standard deviations of the mean: 6e-5 for a false alarm, and the draw is fixed.
  EXPECT_LT(std::abs(sum / 1000), 4 * 0.5 / std::sqrt(3.0 * 1000));
}

TEST(TrainerFrameTest, WithoutAProgramNothingIsAnswered) {
  const Plan plan = TrainerPlan("rounds = 1\nstandardise = \"range\"");
  const Error error = ErrorOf(plan, TrainSites(plan, 3));
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_THAT(Describe(error), HasSubstr("\"other\""));
  EXPECT_THAT(Describe(error), HasSubstr("policy.toml"));
}

struct Lie {
  const char* about;
  const char* said;
  std::function<Bytes()> output;
};

void PrintTo(const Lie& lie, std::ostream* stream) { *stream << lie.about; }

class TrainerReplyTest : public ::testing::TestWithParam<Lie> {};

Bytes Cut(Bytes bytes, std::size_t count) {
  bytes.resize(bytes.size() - count);
  return bytes;
}

Bytes Joined(Bytes bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

Tensors Good() { return {{"parameters", {1, 2, 3}}, {"loss", {0.5F}}, {"held_out_loss", {0.5F}}}; }

Tensors GoodBut(const std::string& name, std::vector<float> numbers) {
  Tensors tensors = Good();
  tensors.erase(name);
  if (!numbers.empty()) tensors[name] = std::move(numbers);
  return tensors;
}

/// Its answer is refused, the program is named, and none of its words come back.
TEST_P(TrainerReplyTest, IsRefused) {
  const Plan plan = With(TrainerPlan("rounds = 1\nvalidation = 0.2\nstandardise = \"range\""),
                         [](const Request&) { return GetParam().output(); });
  const Error error = ErrorOf(plan, TrainSites(plan, 3));
  // As of a built-in model that diverged.
  const bool not_finite = error.message.find("not finite") != std::string::npos;
  EXPECT_EQ(error.code, not_finite ? ErrorCode::kNotEstimable : ErrorCode::kRefused);
  EXPECT_THAT(error.message, HasSubstr("the trainer \"other\""));
  EXPECT_THAT(error.message, HasSubstr(GetParam().said));
  EXPECT_THAT(error.message, HasSubstr("round 1"));
  EXPECT_THAT(error.remedy, HasSubstr("docs/analyses/train.md"));
}

constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kNoEnd = std::numeric_limits<float>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Lies,
    TrainerReplyTest,
    ::testing::Values(
        Lie{"Nothing", "nothing", [] { return Bytes(); }},
        Lie{"Text", "something else than one frame",
            [] { return ToBytes(std::string_view("Epoch 1: loss 0.3")); }},
        Lie{"ShortFrame", "something else", [] { return Cut(FrameOf(Good()), 1); }},
        Lie{"TwoFrames", "something else", [] { return Joined(FrameOf(Good()), FrameOf(Good())); }},
        Lie{"Garbage", "no safetensors file",
            [] {
              Bytes bytes(64, std::byte{0x5a});
              StoreU64(MutableByteSpan(bytes).first(8), 56);
              return bytes;
            }},
        Lie{"NoParameters", "without \"parameters\"",
            [] { return FrameOf(GoodBut("parameters", {})); }},
        Lie{"TooFewParameters", "2 parameters, and the plan says a list of 3",
            [] {
              return FrameOf(GoodBut("parameters", {1, 2}));
            }},
        Lie{"TooManyParameters", "4 parameters",
            [] {
              return FrameOf(GoodBut("parameters", {1, 2, 3, 4}));
            }},
        Lie{"AMatrix", "the plan says a list of 3",
            [] {
              return FrameOf(TensorFile{{}, {{"parameters", {3, 1}, train::BytesOf({1, 2, 3})}}});
            }},
        Lie{"NotANumber", "not finite",
            [] {
              return FrameOf(GoodBut("parameters", {1, kNoNumber, 3}));
            }},
        Lie{"Infinity", "not finite",
            [] {
              return FrameOf(GoodBut("parameters", {1, kNoEnd, 3}));
            }},
        Lie{"LossNotANumber", "not finite", [] { return FrameOf(GoodBut("loss", {kNoNumber})); }},
        Lie{"NoLoss", "without \"loss\"", [] { return FrameOf(GoodBut("loss", {})); }},
        Lie{"NoHeldOutLoss", "without \"held_out_loss\"",
            [] { return FrameOf(GoodBut("held_out_loss", {})); }},
        Lie{"ManyLosses", "not one number",
            [] {
              return FrameOf(GoodBut("loss", {1, 2}));
            }},
        Lie{"AnotherTensor", "\"?\", which has no use",
            [] { return FrameOf(GoodBut("patient-17-is-ill", {1})); }}),
    [](const ::testing::TestParamInfo<Lie>& lie) { return std::string(lie.param.about); });

/// A loss without end would have no fixed point.
TEST(TrainerFrameTest, LossesAreCutOffAtTheirBound) {
  const Plan plan = With(TrainerPlan("rounds = 1"), [](const Request& request) {
    return FrameOf(Tensors{{"parameters", request.Floats("parameters")}, {"loss", {-3e30F}}});
  });
  const Json result = RunOn(plan, TrainSites(plan, 3)).json;
  EXPECT_NEAR(result["curve"][0]["training_loss"].get<double>(), -1e6, 1);
}

TEST(TrainerFrameTest, AProgramsFailureIsTheSites) {
  const Plan plan = With(TrainerPlan("rounds = 1"), [](const Request&) -> Result<Bytes> {
    return Fail(ErrorCode::kRefused, "it burns");
  });
  EXPECT_THAT(ErrorOf(plan, TrainSites(plan, 3)).message, HasSubstr("it burns"));
}

}  // namespace
}  // namespace consilium::testing
