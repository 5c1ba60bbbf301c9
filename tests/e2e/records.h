// Reading back what the client prints for programs.

#ifndef ANNEAL_TESTS_E2E_RECORDS_H_
#define ANNEAL_TESTS_E2E_RECORDS_H_

#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace anneal {

struct Csv {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  // The cell under a column; a test failure if there is no such column.
  std::string Cell(size_t row, const std::string& column) const;
};

// RFC 4180 with \n line ends. A test failure: quotes that do not match, a missing line end, rows as
// wide as the header, empty or repeated column names.
Csv ParseCsv(const std::string& text);

// Text without its last line end, split at line ends.
std::vector<std::string> Lines(const std::string& text);

// One message; unknown keys are a test failure.
template <typename Message>
Message ParseJson(const std::string& text) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &message);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << text;
  return message;
}

// A JSON array of messages.
template <typename Message>
std::vector<Message> ParseJsonList(const std::string& text) {
  std::vector<Message> messages;
  const auto list = ParseJson<google::protobuf::ListValue>(text);
  for (const auto& value : list.values()) {
    std::string one;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(value, &one).ok());
    messages.push_back(ParseJson<Message>(one));
  }
  return messages;
}

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_RECORDS_H_
