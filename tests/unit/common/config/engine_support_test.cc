#include "common/config/engine_support.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/config/presets.h"
#include "common/config/validation.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::DescriptorProto;
using google::protobuf::DynamicMessageFactory;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::Message;
using google::protobuf::TextFormat;

v1::TrainingConfig Resolved(const std::string& text) {
  return config::ResolveConfig(FromText<v1::TrainingConfig>(text));
}

TEST(FusedSupportTest, TrainsEveryPresetWithoutBatchNormalisation) {
  for (const v1::Preset& preset : config::Presets()) {
    const v1::TrainingConfig config = config::ResolveConfig(preset.config());
    const auto unsupported = config::FindUnsupportedByFused(config);
    EXPECT_EQ(unsupported.has_value(), config.network().batch_norm()) << preset.name();
  }
}

TEST(FusedSupportTest, NamesBatchNormalisation) {
  const auto unsupported = config::FindUnsupportedByFused(Resolved("network { batch_norm: true }"));
  ASSERT_TRUE(unsupported.has_value());
  EXPECT_EQ(unsupported->field, "network.batch_norm");
  EXPECT_EQ(unsupported->value, "true");
}

TEST(FusedSupportTest, SettingsOfTheTrainerConcernNoEngine) {
  for (const char* text : {"evaluation { test: false }", "checkpoint { every_epochs: 2 }",
                           "early_stopping { patience: 3 }", "diagnostics { hessian_every: 1 }"}) {
    const v1::TrainingConfig config = Resolved(text);
    EXPECT_FALSE(config::FindUnsupportedByFused(config).has_value()) << text;
  }
}

TEST(FusedSupportTest, FusedIsRefusedByName) {
  const absl::Status status =
      config::CheckConfig(Resolved("engine: ENGINE_KIND_FUSED network { batch_norm: true }"));
  EXPECT_TRUE(Mentions(ViolationsOf(status)["engine"],
                       {"FUSED", "network.batch_norm=true", "AUTO or REFERENCE"}));
}

std::string TextFormatOf(const Message& message) {
  std::string text;
  EXPECT_TRUE(TextFormat::PrintToString(message, &text));
  return text;
}

// The schema of a later version, with additional fields.
class LaterSchema {
 public:
  LaterSchema() {
    FileDescriptorProto file;
    v1::TrainingConfig::descriptor()->file()->CopyTo(&file);
    AddDependencies(*v1::TrainingConfig::descriptor()->file());
    DescriptorProto* attention = file.add_message_type();
    attention->set_name("AttentionLayer");
    AddField("heads", FieldDescriptorProto::TYPE_INT32, "", attention);
    for (DescriptorProto& message : *file.mutable_message_type()) {
      if (message.name() == "HiddenLayer") {
        AddField("attention", FieldDescriptorProto::TYPE_MESSAGE, ".anneal.v1.AttentionLayer",
                 &message)
            ->set_oneof_index(0);
      } else if (message.name() == "ConvLayer") {
        AddField("dilation", FieldDescriptorProto::TYPE_INT32, "", &message);
      } else if (message.name() == "TrainingConfig") {
        AddField("distillation", FieldDescriptorProto::TYPE_BOOL, "", &message);
      }
    }
    for (EnumDescriptorProto& type : *file.mutable_enum_type()) {
      if (type.name() != "Pool") continue;
      auto* value = type.add_value();
      value->set_name("POOL_LP");
      value->set_number(99);
    }
    const auto* built = pool_.BuildFile(file);
    type_ = built == nullptr ? nullptr : built->FindMessageTypeByName("TrainingConfig");
  }

  // Merges texts in text format.
  std::unique_ptr<Message> Parse(const std::string& text, const std::string& addition = "") {
    std::unique_ptr<Message> message(factory_.GetPrototype(type_)->New());
    EXPECT_TRUE(TextFormat::MergeFromString(text, message.get())) << text;
    EXPECT_TRUE(TextFormat::MergeFromString(addition, message.get())) << addition;
    return message;
  }

  bool built() const { return type_ != nullptr; }

 private:
  void AddDependencies(const google::protobuf::FileDescriptor& file) {
    for (int i = 0; i < file.dependency_count(); ++i) {
      AddDependencies(*file.dependency(i));
      FileDescriptorProto dependency;
      file.dependency(i)->CopyTo(&dependency);
      pool_.BuildFile(dependency);
    }
  }

  static FieldDescriptorProto* AddField(const std::string& name, FieldDescriptorProto::Type type,
                                        const std::string& type_name, DescriptorProto* message) {
    FieldDescriptorProto* field = message->add_field();
    field->set_name(name);
    field->set_number(900);
    field->set_type(type);
    field->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
    if (!type_name.empty()) field->set_type_name(type_name);
    return field;
  }

  DescriptorPool pool_;
  DynamicMessageFactory factory_{&pool_};
  const Descriptor* type_ = nullptr;
};

TEST(FusedSupportTest, UnlistedOptionsAreUnsupported) {
  LaterSchema schema;
  ASSERT_TRUE(schema.built());
  const std::string known = TextFormatOf(Resolved(""));
  EXPECT_FALSE(config::FindUnsupportedByFused(*schema.Parse(known)).has_value());
  const auto expect = [&](const std::string& addition, const std::string& field,
                          const std::string& value) {
    const auto unsupported = config::FindUnsupportedByFused(*schema.Parse(known, addition));
    ASSERT_TRUE(unsupported.has_value()) << addition;
    EXPECT_EQ(unsupported->field, field);
    EXPECT_EQ(unsupported->value, value);
  };
  expect("network { layers { attention { heads: 2 } } }", "network.layers.3.attention", "");
  expect("network { layers { conv { filters: 2 kernel: 3 pool: POOL_LP } } }",
         "network.layers.3.conv.pool", "LP");
  expect("network { layers { conv { filters: 2 kernel: 3 dilation: 2 } } }",
         "network.layers.3.conv.dilation", "");
  expect("distillation: true", "distillation", "true");
}

TEST(FusedSupportTest, AnUnknownFieldIsUnsupported) {
  LaterSchema schema;
  ASSERT_TRUE(schema.built());
  const std::string later =
      schema.Parse("network { layers { attention { heads: 2 } } }")->SerializeAsString();
  v1::TrainingConfig config = Resolved("");
  ASSERT_TRUE(config.MergeFromString(later));
  const auto unsupported = config::FindUnsupportedByFused(config);
  ASSERT_TRUE(unsupported.has_value());
  EXPECT_EQ(unsupported->field, "network.layers.3.900");
}

}  // namespace
}  // namespace anneal
