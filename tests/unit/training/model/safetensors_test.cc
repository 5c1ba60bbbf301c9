#include "server/training/model/safetensors.h"

#include <cstdint>
#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace anneal::training::model {
namespace {

Tensor Floats(const std::string& name, std::vector<int64_t> shape, std::vector<float> values) {
  return {.name = name,
          .type = ElementType::kFloat32,
          .shape = std::move(shape),
          .bytes = {reinterpret_cast<const char*>(values.data()), 4 * values.size()}};
}

std::string WithHeader(const std::string& header, const std::string& values) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + values;
}

// The layout of the format's specification: header length, header, values.
TEST(SafetensorsTest, EncodesTheSpecifiedLayout) {
  const std::string bytes = EncodeSafetensors(
      {.metadata = {{"k", "v"}}, .tensors = {Floats("a", {1, 2}, {1.0F, -2.0F})}});
  std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"data_offsets":[0,8],"dtype":"F32","shape":[1,2]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const float values[] = {1.0F, -2.0F};
  EXPECT_EQ(bytes, WithHeader(header, {reinterpret_cast<const char*>(values), 8}));
}

TEST(SafetensorsTest, RoundTrips) {
  const double scalar = 0.1;
  const Tensor theta = {.name = "theta",
                        .type = ElementType::kFloat64,
                        .shape = {},
                        .bytes = {reinterpret_cast<const char*>(&scalar), 8}};
  const SafetensorsFile file = {.metadata = {{"note", "quotes \" and \\ and \n and caf\xc3\xa9"}},
                                .tensors = {theta, Floats("z", {2, 1, 1}, {1, 2}),
                                            Floats("a", {0}, {}), Floats("m", {3}, {3, 4, 5})}};
  const auto read = DecodeSafetensors(EncodeSafetensors(file));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->metadata, file.metadata);
  // An empty tensor has the same offset as the next one, so only their order is checked.
  ASSERT_EQ(read->tensors.size(), 4U);
  EXPECT_EQ(read->tensors[0], theta);
  EXPECT_EQ(read->tensors[1], file.tensors[1]);
  EXPECT_EQ(read->tensors[3], file.tensors[3]);
}

TEST(SafetensorsTest, StoresFloat64FirstForAlignment) {
  const double scalar = 1;
  Tensor wide = {.name = "wide", .type = ElementType::kFloat64, .shape = {1}, .bytes = ""};
  wide.bytes.assign(reinterpret_cast<const char*>(&scalar), 8);
  const auto read = DecodeSafetensors(
      EncodeSafetensors({.metadata = {}, .tensors = {Floats("f", {1}, {1}), wide}}));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->tensors[0].name, "wide");
  EXPECT_EQ(read->tensors[1].name, "f");
}

TEST(SafetensorsTest, RejectsTruncationAtAnyLength) {
  const std::string whole =
      EncodeSafetensors({.metadata = {{"k", "v"}}, .tensors = {Floats("a", {2}, {1, 2})}});
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(DecodeSafetensors(whole.substr(0, length)).status().code(),
              absl::StatusCode::kDataLoss)
        << length;
  }
}

TEST(SafetensorsTest, RejectsMalformedFiles) {
  const std::string eight(8, '\1');
  for (const std::string& bytes : {
           std::string(),
           std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10),
           WithHeader("[]", ""),
           WithHeader("{", ""),
           WithHeader("nonsense", ""),
           WithHeader(R"({"a":1})", ""),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2]}})", eight),
           WithHeader(R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0.0,8]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[1e300,8]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":{"a":0,"b":8}}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", eight),
           WithHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight),
           WithHeader(
               R"({"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}})",
               eight + eight),
           WithHeader(R"({"__metadata__":{"k":1}})", ""),
       }) {
    EXPECT_EQ(DecodeSafetensors(bytes).status().code(), absl::StatusCode::kDataLoss) << bytes;
  }
}

}  // namespace
}  // namespace anneal::training::model
