// These functions parse the machine-readable output of the client.

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

  // Returns the cell of a column; fails the test if the column does not exist.
  std::string Cell(size_t row, const std::string& column) const;
};

// Parses RFC 4180 CSV with \n line ends. Fails the test on unbalanced quotes, a missing line end,
// rows that differ in width from the header, and empty or repeated column names.
Csv ParseCsv(const std::string& text);

// Splits text into lines.
std::vector<std::string> Lines(const std::string& text);

// Parses one message; fails the test on unknown keys.
template <typename Message>
Message ParseJson(const std::string& text) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &message);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << text;
  return message;
}

// Parses a JSON array of messages.
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
