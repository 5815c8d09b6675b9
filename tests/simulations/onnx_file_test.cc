// ONNX files against the format's own rules, and as another program reads them (OpenCV's reader of
// networks, which shares no code with ours) against our own network.

#include "simulations/onnx_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <opencv2/dnn.hpp>

#include "common/random.h"
#include "protocols/result_document.h"
#include "simulations/experiment.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/temporary_folder.h"

namespace consilium::testing {
namespace {

using train::Loss;
using train::Network;
using train::ReleasedInput;
using train::ReleasedModel;

/// Both compute in single precision (2^-24 = 6e-8) and add up to a thousand products a layer in
/// different orders; the file also subtracts and divides in single precision, ours in double. That
/// is some 1e-6 of the largest number on the way.
constexpr double kSinglePrecision = 1e-5;

/// A row a patient, in the contract's units.
using Patients = std::vector<std::vector<double>>;

std::vector<double> Softmax(const std::vector<double>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> probabilities;
  double sum = 0;
  for (const double logit : logits) {
    probabilities.push_back(std::exp(logit - largest));
    sum += probabilities.back();
  }
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

/// What the released model predicts, by the network that sites train and documented formulas.
Patients OwnPredictions(const ReleasedModel& model, const Patients& patients) {
  std::vector<float> rows;
  for (const std::vector<double>& patient : patients) {
    for (std::size_t j = 0; j < patient.size(); ++j) {
      const ReleasedInput& input = model.inputs[j];
      rows.push_back(static_cast<float>((patient[j] - input.centre) / input.scale));
    }
  }
  const std::vector<float> outputs = train::OutputsOf(model.network, model.parameters, rows);
  const std::size_t width = model.network.outputs;
  Patients predictions;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    std::vector<double> logits;
    for (std::size_t k = 0; k < width; ++k) {
      logits.push_back(static_cast<double>(outputs[i * width + k]));
    }
    switch (model.network.loss) {
      case Loss::kSquared:
        predictions.push_back({logits[0] * model.outcome_scale + model.outcome_centre});
        break;
      case Loss::kBinary:
        predictions.push_back({1 / (1 + std::exp(logits[0])), 1 / (1 + std::exp(-logits[0]))});
        break;
      case Loss::kCategories:
        predictions.push_back(Softmax(logits));
        break;
      case Loss::kPartialLikelihood:
        predictions.push_back({logits[0]});
    }
  }
  return predictions;
}

Patients TheirPredictions(ByteSpan file, const Patients& patients) {
  cv::dnn::Net net = cv::dnn::readNetFromONNX(AsText(file).data(), file.size());
  cv::Mat rows(static_cast<int>(patients.size()), static_cast<int>(patients[0].size()), CV_32F);
  for (std::size_t i = 0; i < patients.size(); ++i) {
    for (std::size_t j = 0; j < patients[i].size(); ++j) {
      rows.at<float>(static_cast<int>(i), static_cast<int>(j)) = static_cast<float>(patients[i][j]);
    }
  }
  net.setInput(rows, "features");
  const cv::Mat found = net.forward();
  Patients predictions;
  for (int i = 0; i < found.rows; ++i) {
    predictions.emplace_back(found.ptr<float>(i), found.ptr<float>(i) + found.cols);
  }
  return predictions;
}

onnx::ModelProto Parsed(ByteSpan file) {
  onnx::ModelProto parsed;
  EXPECT_TRUE(parsed.ParseFromString(std::string(AsText(file))));
  return parsed;
}

/// The format's rules, and that every operator makes the shape which the next one needs and the
/// file declares.
void ExpectValid(ByteSpan file) {
  onnx::ModelProto parsed = Parsed(file);
  EXPECT_NO_THROW(onnx::checker::check_model(parsed));
  const onnx::ShapeInferenceOptions strict(/*check_type=*/true, /*strict_mode=*/1);
  EXPECT_NO_THROW(
      onnx::shape_inference::InferShapes(parsed, onnx::OpSchemaRegistry::Instance(), strict));
}

void ExpectSamePredictions(const ReleasedModel& model, const Patients& patients) {
  const Bytes file = OnnxOf(model);
  ExpectValid(file);
  const Patients ours = OwnPredictions(model, patients);
  const Patients theirs = TheirPredictions(file, patients);
  ASSERT_EQ(theirs.size(), ours.size());
  double largest = 0;
  double difference = 0;
  double between_patients = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_EQ(theirs[i].size(), ours[i].size());
    for (std::size_t k = 0; k < ours[i].size(); ++k) {
      largest = std::max(largest, std::abs(ours[i][k]));
      difference = std::max(difference, std::abs(ours[i][k] - theirs[i][k]));
      between_patients = std::max(between_patients, std::abs(ours[i][k] - ours[0][k]));
    }
  }
  EXPECT_LE(difference, kSinglePrecision * largest);
  // Otherwise it would not be seen that a reader takes features for others.
  EXPECT_GT(between_patients, 100 * kSinglePrecision * largest);
}

/// A network with drawn weights, biases, scales and levels.
ReleasedModel Drawn(const Network& network, std::uint64_t seed) {
  SeededRandom random(seed);
  ReleasedModel model;
  model.kind = network.layers[0].kind == train::Layer::Kind::kConvolution ? "cnn" : "mlp";
  model.network = network;
  for (std::size_t j = 0; j < network.inputs; ++j) {
    model.inputs.push_back(
        {"x" + std::to_string(j), "", "", "", 20 * random.Unit() - 10, 0.5 + 5 * random.Unit()});
  }
  // Of the size that keeps outputs near 1 from layer to layer.
  for (const train::Layer& layer : network.layers) {
    if (layer.parameters() == 0) continue;
    const double size = std::sqrt(12 / static_cast<double>(layer.weights() / layer.biases()));
    for (std::size_t i = 0; i < layer.parameters(); ++i) {
      model.parameters.push_back(static_cast<float>(size * (random.Unit() - 0.5)));
    }
  }
  model.outcome = "y";
  if (network.loss == Loss::kSquared) {
    model.outcome_centre = 120;
    model.outcome_scale = 15;
  } else {
    const std::size_t levels = std::max<std::size_t>(network.outputs, 2);
    for (std::size_t k = 0; k < levels; ++k) model.levels.push_back(std::to_string(k));
  }
  return model;
}

Patients DrawnPatients(const ReleasedModel& model, std::size_t count, std::uint64_t seed) {
  SeededRandom random(seed);
  Patients patients(count);
  for (std::vector<double>& patient : patients) {
    for (const ReleasedInput& input : model.inputs) {
      patient.push_back(input.centre + input.scale * (4 * random.Unit() - 2));
    }
  }
  return patients;
}

void CheckDrawn(const Network& network, const std::string& what) {
  SCOPED_TRACE(what);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const ReleasedModel model = Drawn(network, seed);
    ExpectSamePredictions(model, DrawnPatients(model, 40, seed));
  }
}

TEST(OnnxFileTest, DenseNetworksPredictTheSameElsewhere) {
  for (const Loss loss : {Loss::kSquared, Loss::kBinary, Loss::kCategories}) {
    const std::size_t outputs = loss == Loss::kCategories ? 4 : 1;
    const std::string name = "loss " + std::to_string(static_cast<int>(loss));
    CheckDrawn(train::MakeDenseNetwork(1, {}, outputs, loss), name + ", one feature");
    CheckDrawn(train::MakeDenseNetwork(30, {}, outputs, loss), name + ", no hidden layer");
    CheckDrawn(train::MakeDenseNetwork(13, {17, 5, 9}, outputs, loss), name + ", hidden layers");
    CheckDrawn(train::MakeDenseNetwork(784, {200}, outputs, loss), name + ", wide");
  }
}

/// Pictures that are not square, with several channels, where pooling leaves a line or column out.
TEST(OnnxFileTest, PictureNetworksPredictTheSameElsewhere) {
  const train::Picture pictures[] = {{8, 8, 1, 3, {4}},
                                     {11, 8, 1, 3, {3}},
                                     {9, 12, 3, 2, {5, 4}},
                                     {7, 5, 2, 1, {3}},
                                     {28, 28, 1, 5, {12, 24}}};
  for (const train::Picture& picture : pictures) {
    for (const Loss loss : {Loss::kSquared, Loss::kBinary, Loss::kCategories}) {
      const std::size_t outputs = loss == Loss::kCategories ? 3 : 1;
      const std::string name =
          std::to_string(picture.height) + " x " + std::to_string(picture.width) + " x " +
          std::to_string(picture.channels) + ", loss " + std::to_string(static_cast<int>(loss));
      CheckDrawn(train::MakePictureNetwork(picture, {}, outputs, loss), name);
      CheckDrawn(train::MakePictureNetwork(picture, {7}, outputs, loss), name + ", hidden");
    }
  }
}

/// Trains, and reads the released result back.
ReleasedModel Trained(const Plan& plan, const std::vector<Cohort>& sites) {
  return train::ReadReleasedModel(RunOn(plan, sites).result.json).value();
}

template <class Cohorts>
Patients PatientsOf(const Cohorts& sites) {
  Patients patients;
  for (const auto& site : sites) {
    for (Eigen::Index i = 0; i < site.values.rows(); ++i) {
      std::vector<double>& patient = patients.emplace_back();
      for (Eigen::Index j = 1; j < site.values.cols(); ++j) patient.push_back(site.values(i, j));
    }
  }
  return patients;
}

TEST(OnnxFileTest, TrainedModelsPredictTheSameElsewhere) {
  const std::pair<const char*, const char*> studies[] = {
      {"ill", "model = \"logistic\"\nrounds = 5"},
      {"ill", "model = \"mlp\"\nhidden = [8]\nrounds = 5\nstandardise = \"range\""},
      {"group", "model = \"logistic\"\nrounds = 5\nstrategy = \"scaffold\""},
      {"group", "model = \"mlp\"\nhidden = [16, 8]\nrounds = 5\nstrategy = \"ditto\""},
      {"pressure", "model = \"linear\"\nrounds = 5"},
      {"pressure", "model = \"mlp\"\nhidden = [8]\nrounds = 5"},
      {"pressure", "model = \"linear\"\nrounds = 2\nlearning_rate = 1e-5\nstandardise = \"none\""}};
  for (const auto& [outcome, rest] : studies) {
    SCOPED_TRACE(rest);
    const Plan plan = TrainPlanOf(outcome, rest);
    const std::vector<Cohort> sites = TrainSites(plan, 3);
    ExpectSamePredictions(Trained(plan, sites), PatientsOf(sites));
  }
}

/// Log hazards, of a line and of a network.
TEST(OnnxFileTest, HazardsArePredictedTheSameElsewhere) {
  for (const char* model : {"model = \"cox\"\n", "model = \"mlp\"\nhidden = [8, 4]\n"}) {
    SCOPED_TRACE(model);
    const Plan plan = PlanOf(
        Boolean("death") + Number("time", 0, 100) + Number("dose", 0, 10) + Number("age", 20, 90),
        "kind = \"train\"\nevent = \"death\"\ntime = \"time\"\n"
        "features = [\"dose\", \"age\"]\nrounds = 5\nlearning_rate = 0.5\n" +
            std::string(model));
    std::vector<Cohort> sites;
    Patients patients;
    SeededRandom random(std::uint64_t{3});
    for (int site = 0; site < 3; ++site) {
      Cohort cohort;
      cohort.columns = plan.analysis->columns();
      cohort.values.resize(60, 4);
      cohort.patients = 60;
      for (Eigen::Index i = 0; i < 60; ++i) {
        patients.push_back({10 * random.Unit(), 20 + 70 * random.Unit()});
        const double dose = patients.back()[0];
        cohort.values.row(i) << 1, 100 * random.Unit() * (1 - dose / 15), dose, patients.back()[1];
      }
      sites.push_back(std::move(cohort));
    }
    const ReleasedModel released = Trained(plan, sites);
    ExpectSamePredictions(released, patients);
    const onnx::ModelProto file = Parsed(OnnxOf(released));
    EXPECT_EQ(file.graph().output(0).name(), "log_hazard");
    EXPECT_THAT(file.graph().output(0).doc_string(), ::testing::HasSubstr("hazard of death"));
    EXPECT_EQ(file.metadata_props(file.metadata_props_size() - 1).key(), "time");
  }
}

/// Pictures of 9 x 8 with a bright line, upright, flat or on the diagonal, anywhere.
std::vector<Cohort> Lines(const Plan& plan) {
  std::vector<Cohort> sites;
  for (std::uint64_t site = 0; site < 3; ++site) {
    Cohort cohort;
    cohort.columns = plan.analysis->columns();
    cohort.values.resize(60, 1 + 9 * 8);
    cohort.patients = 60;
    SeededRandom random(site);
    for (Eigen::Index i = 0; i < 60; ++i) {
      const Eigen::Index kind = i % 3;
      const auto place = static_cast<Eigen::Index>(8 * random.Unit());
      cohort.values(i, 0) = static_cast<double>(kind);
      for (Eigen::Index pixel = 0; pixel < 9 * 8; ++pixel) {
        const Eigen::Index line = pixel / 8;
        const Eigen::Index column = pixel % 8;
        const bool bright = kind == 0   ? column == place
                            : kind == 1 ? line == place
                                        : (line + column) % 8 == place;
        cohort.values(i, 1 + pixel) = std::floor((bright ? 200 : 20) + 50 * random.Unit());
      }
    }
    sites.push_back(std::move(cohort));
  }
  return sites;
}

TEST(OnnxFileTest, ATrainedPictureNetworkPredictsTheSameElsewhere) {
  const Plan plan =
      PlanOf(Category("line", {"upright", "flat", "diagonal"}) +
                 "[[contract.column]]\nname = \"pixel\"\ntype = \"number\"\n"
                 "range = [0, 255]\ncount = 72\n",
             "kind = \"train\"\noutcome = \"line\"\nfeatures = [\"pixel\"]\nmodel = \"cnn\"\n"
             "image = [9, 8]\nwindow = 3\nfilters = [6]\nhidden = [12]\nrounds = 12\n"
             "batch_size = 10\nlearning_rate = 0.1\nstandardise = \"range\"");
  const std::vector<Cohort> sites = Lines(plan);
  const ReleasedModel model = Trained(plan, sites);
  const Patients pictures = PatientsOf(sites);

  ExpectSamePredictions(model, pictures);

  // It learned what it looks at, so that pictures taken for their mirror images would show.
  const Patients predicted = TheirPredictions(OnnxOf(model), pictures);
  std::size_t right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i][i % 60 % 3] > 0.5;
  EXPECT_GT(right, predicted.size() * 9 / 10);
}

/// examples/heart_train.toml over four hospitals.
TEST(OnnxFileTest, TheExamplesModelPredictsTheSameElsewhere) {
  REQUIRE_REFERENCE_DATA();
  const std::filesystem::path examples =
      std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples";
  const TemporaryFolder folder;
  for (const char* name :
       {"heart_train.toml", "heart.source.toml", "heart_train_experiment.toml"}) {
    std::filesystem::copy_file(examples / name, folder / name);
  }
  std::filesystem::copy_file(*DataFolder() / "heart_disease/csv/heart_pooled.csv",
                             folder / "heart_pooled.csv");
  const Experiment experiment =
      ReadExperiments(folder / "heart_train_experiment.toml").value().front();
  const VirtualFederation federation = LoadFederation(experiment).value();
  const PlainRun run = RunPlain(*experiment.plan.analysis, federation.Participants()).value();

  const ReleasedModel model =
      train::ReadReleasedModel(ResultDocument(experiment.plan, run.result, run.rounds)).value();

  EXPECT_EQ(model.study, experiment.plan.id.ToHex());
  ExpectSamePredictions(model, PatientsOf(federation.Participants()));
}

std::map<std::string, std::string> MetadataOf(const onnx::ModelProto& file) {
  std::map<std::string, std::string> metadata;
  for (const onnx::StringStringEntryProto& entry : file.metadata_props()) {
    metadata[entry.key()] = entry.value();
  }
  return metadata;
}

TEST(OnnxFileTest, SaysWhatGoesInAndWhatComesOut) {
  ReleasedModel model = Drawn(train::MakeDenseNetwork(3, {}, 1, Loss::kBinary), 1);
  model.kind = "logistic";
  model.study = std::string(64, 'a');
  model.title = "Ill \"or\" not";
  model.outcome = "ill";
  model.levels = {"false", "true"};
  model.strategy = "fedprox";
  model.inputs[0].name = "weight";
  model.inputs[0].unit = "kg";
  model.inputs[1] = {"group_b", "", "group", "b", 0.5, 0.25};
  model.inputs[2] = {"group_c", "", "group", "c", 0.5, 0.25};

  const onnx::ModelProto file = Parsed(OnnxOf(model));

  EXPECT_EQ(file.ir_version(), 7);
  ASSERT_EQ(file.opset_import_size(), 1);
  EXPECT_EQ(file.opset_import(0).version(), 13);
  const std::map<std::string, std::string> metadata = MetadataOf(file);
  EXPECT_EQ(metadata.at("study"), model.study);
  EXPECT_EQ(metadata.at("title"), model.title);
  EXPECT_EQ(metadata.at("outcome"), "ill");
  EXPECT_EQ(metadata.at("strategy"), "fedprox");
  EXPECT_EQ(metadata.at("terms"), R"(["weight","group_b","group_c"])");
  EXPECT_EQ(metadata.at("levels"), R"(["false","true"])");
  ASSERT_EQ(file.graph().input_size(), 1);
  EXPECT_EQ(file.graph().input(0).name(), "features");
  EXPECT_THAT(file.graph().input(0).doc_string(),
              ::testing::HasSubstr("weight [kg], group_b (1 where group is \"b\", otherwise 0)"));
  ASSERT_EQ(file.graph().output_size(), 1);
  EXPECT_EQ(file.graph().output(0).name(), "probabilities");
  EXPECT_EQ(file.graph().output(0).doc_string(), "probabilities that ill is: false, true");
  EXPECT_EQ(OnnxOf(model), OnnxOf(model));
}

TEST(OnnxFileTest, SmallProbabilitiesKeepTheirDigits) {
  ReleasedModel model = Drawn(train::MakeDenseNetwork(1, {}, 1, Loss::kBinary), 1);
  model.inputs[0].centre = 0;
  model.inputs[0].scale = 1;
  model.parameters = {1, 0};
  const Patients found = TheirPredictions(OnnxOf(model), {{-30}, {30}});
  EXPECT_NEAR(found[0][1] / std::exp(-30), 1, 1e-5);
  EXPECT_NEAR(found[1][0] / std::exp(-30), 1, 1e-5);
}

}  // namespace
}  // namespace consilium::testing
