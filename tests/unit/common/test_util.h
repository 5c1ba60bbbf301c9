// These helpers let unit tests read errors and parse messages from text.

#ifndef ANNEAL_TESTS_UNIT_TEST_UTIL_H_
#define ANNEAL_TESTS_UNIT_TEST_UTIL_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/status.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/rpc/error.pb.h"
#include "gtest/gtest.h"

namespace anneal {

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Returns the descriptions in a status's BadRequest by field. Fails the test if the payload is
// missing or malformed.
inline std::map<std::string, std::string> ViolationsOf(const absl::Status& status) {
  std::map<std::string, std::string> violations;
  const auto payload = status.GetPayload(kBadRequestUrl);
  if (!payload.has_value()) {
    ADD_FAILURE() << "no BadRequest in: " << status;
    return violations;
  }
  google::rpc::BadRequest details;
  EXPECT_TRUE(details.ParseFromString(std::string(*payload)))
      << "unreadable BadRequest: " << status;
  for (const auto& violation : details.field_violations()) {
    violations[violation.field()] = violation.description();
  }
  return violations;
}

// Checks that `text` contains all of `words`.
inline ::testing::AssertionResult Mentions(absl::string_view text,
                                           const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (!absl::StrContains(text, word)) {
      return ::testing::AssertionFailure() << "no \"" << word << "\" in: " << text;
    }
  }
  return ::testing::AssertionSuccess();
}

// Checks that two messages are equal, including field presence.
inline ::testing::AssertionResult Same(const google::protobuf::Message& a,
                                       const google::protobuf::Message& b) {
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(a, b)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << differences;
}

}  // namespace anneal

#endif  // ANNEAL_TESTS_UNIT_TEST_UTIL_H_
