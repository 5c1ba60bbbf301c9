// Checks that every header begins with a sentence that states its purpose.

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = SOURCE_DIR;

// An indirect question in place of a sentence with a subject and a verb.
constexpr std::array<absl::string_view, 6> kQuestionWords = {"What",  "Who",     "Where",
                                                             "Which", "Whether", "How"};

// Returns the first comment line of a file, without its slashes; empty if there is none.
std::string FirstComment(const fs::path& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    absl::string_view text = absl::StripLeadingAsciiWhitespace(line);
    if (absl::ConsumePrefix(&text, "//")) return std::string(absl::StripAsciiWhitespace(text));
  }
  return "";
}

absl::string_view FirstWord(absl::string_view text) {
  size_t length = 0;
  while (length < text.size() && absl::ascii_isalpha(text[length])) ++length;
  return text.substr(0, length);
}

bool IsQuestion(absl::string_view comment) {
  return absl::c_linear_search(kQuestionWords, FirstWord(comment));
}

TEST(HeaderCommentsTest, QuestionWordsAreRecognised) {
  EXPECT_TRUE(IsQuestion("What the daemon stores."));
  EXPECT_TRUE(IsQuestion("Who's next."));
  EXPECT_TRUE(IsQuestion("How"));
  EXPECT_FALSE(IsQuestion("However, ..."));
  EXPECT_FALSE(IsQuestion("`Writer` commits what it is given."));
  EXPECT_FALSE(IsQuestion(""));
}

TEST(HeaderCommentsTest, NoHeaderBeginsWithAQuestionWord) {
  int headers = 0;
  for (const char* top : {"common", "server", "client", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / top)) {
      if (entry.path().extension() != ".h") continue;
      ++headers;
      const std::string comment = FirstComment(entry.path());
      EXPECT_FALSE(IsQuestion(comment))
          << fs::relative(entry.path(), kRoot).string() << " begins with \"" << comment
          << "\"; begin with a subject and a verb, such as \"`Writer` serialises all writes.\"";
    }
  }
  EXPECT_GT(headers, 100) << "headers are missing below " << kRoot;
}

}  // namespace
}  // namespace anneal
