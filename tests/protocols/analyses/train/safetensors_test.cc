#include "protocols/analyses/train/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/analyses/train/floats.h"

namespace consilium::train {
namespace {

/// A file with this head and so many bytes of numbers.
Bytes FileOf(const std::string& head, std::size_t data) {
  Bytes file(8);
  StoreU64(MutableByteSpan(file), head.size());
  const ByteSpan text = AsBytes(head);
  file.insert(file.end(), text.begin(), text.end());
  file.resize(file.size() + data);
  return file;
}

TensorFile Example() {
  return {{{"format", "test"}},
          {{"weights", {2, 3}, BytesOf({1, 2, 3, 4, 5, 6})},
           {"none", {0, 4}, {}},
           {"one", {}, BytesOf({0.5F})}}};
}

TEST(SafetensorsTest, ReadsWhatItWrites) {
  const Bytes file = EncodeTensors(Example());
  EXPECT_EQ(LoadU64(ByteSpan(file).first(8)) % 8, 0u);
  const std::vector<NamedNumbers> tensors = DecodeTensors(file).value();
  const std::vector<NamedNumbers> expected = Example().tensors;
  ASSERT_EQ(tensors.size(), expected.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(tensors[i].name, expected[i].name);
    EXPECT_EQ(tensors[i].shape, expected[i].shape);
    EXPECT_EQ(tensors[i].numbers, expected[i].numbers);
  }
}

/// Byte by byte as the format's definition has it.
TEST(SafetensorsTest, WritesTheFormat) {
  const Bytes file = EncodeTensors({{}, {{"a", {1}, BytesOf({1})}}});
  const std::string head = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )";
  std::string text(AsText(ByteSpan(file).subspan(8, file.size() - 12)));
  text.resize(head.size(), ' ');
  EXPECT_EQ(text, head);
  EXPECT_EQ(LoadU32(ByteSpan(file).last(4)), 0x3f800000u);
}

TEST(SafetensorsTest, ReadsTensorsInAnyOrderOfTheHead) {
  const std::string head =
      R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"x":"y"}})";
  const auto tensors = DecodeTensors(FileOf(head, 12)).value();
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[1].name, "b");
}

TEST(SafetensorsTest, RefusesWhatDoesNotFit) {
  const char* const kHeads[] = {
      "",
      "[]",
      "{",
      R"({"a":3})",
      R"({"a":{}})",
      R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})",
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":["0","8"]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32"}})",
      R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":[0,4,"F32","shape"]})",
      R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})",
      R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[1099511627776,4194304],"data_offsets":[0,8]}})",
      R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})"};
  for (const char* head : kHeads) {
    const auto tensors = DecodeTensors(FileOf(head, 8));
    ASSERT_FALSE(tensors.has_value()) << head;
    EXPECT_EQ(tensors.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(DecodeTensors({}).has_value());
  Bytes longer(8);
  StoreU64(MutableByteSpan(longer), ~std::uint64_t{0});
  EXPECT_FALSE(DecodeTensors(longer).has_value());
  EXPECT_FALSE(DecodeTensors(FileOf("{" + std::string(70'000, ' ') + "}", 0)).has_value());
}

/// Whatever a program writes: an error or tensors whose numbers fit their shapes, and no crash.
TEST(SafetensorsTest, SurvivesDamage) {
  const Bytes whole = EncodeTensors(Example());
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    Bytes file = whole;
    for (std::uint64_t k = 0; k <= random.Below(3); ++k) {
      file[random.Below(file.size())] = static_cast<std::byte>(random.Below(256));
    }
    if (random.Below(4) == 0) file.resize(random.Below(file.size()));
    const auto tensors = DecodeTensors(file);
    if (!tensors) continue;
    for (const NamedNumbers& tensor : *tensors) {
      std::size_t numbers = 1;
      for (const std::size_t length : tensor.shape) numbers *= length;
      ASSERT_EQ(tensor.numbers.size(), 4 * numbers);
    }
  }
}

}  // namespace
}  // namespace consilium::train
