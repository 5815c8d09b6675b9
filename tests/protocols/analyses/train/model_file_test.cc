// Also covers protocols/analyses/train/floats.cc.

#include "protocols/analyses/train/model_file.h"

#include <bit>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/train/train_testing.h"

namespace consilium::testing {
namespace {

using train::FromBase64;
using train::SafetensorsOf;
using train::ToBase64;

/// RFC 4648, section 10.
TEST(ModelFileTest, Base64IsThatOfItsRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(ToBase64(AsBytes(std::string_view(plain))), encoded);
    EXPECT_EQ(AsText(FromBase64(encoded).value()), plain);
  }
  for (const char* wrong : {"Zg=", "Zg==Zg==", "Z===", "Zm9!", "=m9v", "Zh=="}) {
    EXPECT_FALSE(FromBase64(wrong).has_value()) << wrong;
  }
}

/// Read as the format's definition says, byte by byte.
TEST(ModelFileTest, SafetensorsHoldTheReleasedNumbers) {
  const Plan plan = TrainPlanOf("group", "model = \"mlp\"\nhidden = [3]\nrounds = 2");
  const Json result = RunOn(plan, TrainSites(plan, 3)).json;
  const Bytes file = SafetensorsOf(result.dump()).value();
  const std::uint64_t length = LoadU64(ByteSpan(file).first(8));
  ASSERT_EQ(length % 8, 0u);
  const Json head = Json::parse(AsText(ByteSpan(file).subspan(8, length)));
  const ByteSpan data = ByteSpan(file).subspan(8 + length);
  std::size_t end = 0;
  for (const Json& tensor : result["parameters"]) {
    const Json& entry = head[tensor["name"].get<std::string>()];
    EXPECT_EQ(entry["dtype"], "F32");
    EXPECT_EQ(entry["shape"], tensor["shape"]);
    std::size_t at = entry["data_offsets"][0];
    EXPECT_EQ(at, end);
    for (const Json& value : tensor["values"]) {
      EXPECT_EQ(std::bit_cast<float>(LoadU32(data.subspan(at, 4))), value.get<float>());
      at += 4;
    }
    end = entry["data_offsets"][1];
    EXPECT_EQ(at, end);
  }
  EXPECT_EQ(end, data.size());
  EXPECT_EQ(Json::parse(head["__metadata__"]["model"].get<std::string>()), result["model"]);
}

TEST(ModelFileTest, LargeModelsAreReleasedAsBase64) {
  const Plan plan = TrainPlanOf("ill", "model = \"mlp\"\nhidden = [200, 200]\nrounds = 1");
  const Json result = RunOn(plan, TrainSites(plan, 3)).json;
  EXPECT_TRUE(result["parameters"][2].contains("base64"));
  const Bytes file = SafetensorsOf(result.dump()).value();
  const std::size_t parameters = result["model"]["parameters"];
  EXPECT_EQ(file.size(), 8 + LoadU64(ByteSpan(file).first(8)) + 4 * parameters);
}

/// A filter's weights lie line by line, in a line pixel by pixel, a pixel's channels together.
TEST(ModelFileTest, ConvolutionsHaveTheShapeThatTheyLieIn) {
  const train::Network network =
      train::MakePictureNetwork({6, 5, 2, 3, {4}}, {}, 3, train::Loss::kCategories);
  Json result = {{"model", {{"kind", "cnn"}}}, {"parameters", Json::array()}};
  for (const train::Tensor& tensor : train::TensorsOf(network)) {
    result["parameters"].push_back({{"name", tensor.name},
                                    {"shape", tensor.shape},
                                    {"values", std::vector<float>(tensor.size, 0.5F)}});
  }
  const Bytes file = SafetensorsOf(result.dump()).value();
  const Json head =
      Json::parse(AsText(ByteSpan(file).subspan(8, LoadU64(ByteSpan(file).first(8)))));
  EXPECT_EQ(head["layer1.weight"]["shape"], Json({4, 3, 3, 2}));
  EXPECT_EQ(head["layer1.bias"]["shape"], Json({4}));
  EXPECT_EQ(head["layer3.weight"]["shape"], Json({3, 2 * 1 * 4}));
}

TEST(ModelFileTest, WhatIsNoResultOfTrainingIsRefused) {
  for (const char* wrong :
       {"", "[]", "{}", R"({"model": {}, "parameters": [{}]})",
        R"({"model": {}, "parameters": [{"name": "a", "shape": [2], "values": [1]}]})",
        R"({"model": {}, "parameters": [{"name": "a", "shape": [1], "values": ["x"]}]})",
        R"({"model": {}, "parameters": [{"name": "a", "shape": [1], "base64": "?"}]})"}) {
    EXPECT_FALSE(SafetensorsOf(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace consilium::testing
