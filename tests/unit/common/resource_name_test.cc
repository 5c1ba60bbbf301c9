#include "common/resource_name.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

const std::vector<std::string>& GoodIds() {
  static const auto& ids =
      *new std::vector<std::string>{"a",
                                    "0",
                                    "first",
                                    "run-2",
                                    "a--b",
                                    "0-0",
                                    "runs",
                                    "experiments",
                                    std::string(63, 'z'),
                                    absl::StrCat("a", std::string(61, '-'), "b")};
  return ids;
}

// None matches [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?.
const std::vector<std::string>& BadIds() {
  static const auto& ids = *new std::vector<std::string>{"",
                                                         "-",
                                                         "-a",
                                                         "a-",
                                                         "A",
                                                         "firsT",
                                                         "a_b",
                                                         "a.b",
                                                         "a..b",
                                                         ".",
                                                         "..",
                                                         "a.",
                                                         "a...",
                                                         "../",
                                                         "../../etc/passwd",
                                                         "a/b",
                                                         "/a",
                                                         "a/",
                                                         "a b",
                                                         " a",
                                                         "a\n",
                                                         "a\\b",
                                                         "a%2fb",
                                                         "%00",
                                                         std::string("a\0b", 3),
                                                         std::string("a\0", 2),
                                                         "é",
                                                         "naïve",
                                                         "実験",
                                                         "\xff\xfe",
                                                         "\xc0\xaf",
                                                         "\u202Ea",
                                                         "-1",
                                                         "$(reboot)",
                                                         "'; DROP TABLE runs; --",
                                                         std::string(64, 'a'),
                                                         std::string(1 << 20, 'a'),
                                                         std::string(1 << 20, '/'),
                                                         std::string(1 << 20, '.')};
  return ids;
}

void ExpectRefusal(const absl::Status& status, const std::string& field, const std::string& given) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << given.substr(0, 80);
  EXPECT_TRUE(Mentions(status.message(), {field + " is "})) << given.substr(0, 80);
  // Errors name resources as the command line does.
  if (given.size() < 64) {
    EXPECT_TRUE(Mentions(status.message(), {Quoted(ShortenName(given))}));
  }
}

TEST(CheckExperimentIdTest, AcceptsMatchingIds) {
  for (const std::string& id : GoodIds()) EXPECT_TRUE(CheckExperimentId("id", id).ok()) << id;
}

TEST(CheckExperimentIdTest, RejectsOtherIdsWithTheAllowedPattern) {
  for (const std::string& id : BadIds()) {
    const absl::Status status = CheckExperimentId("experiment_id", id);
    ExpectRefusal(status, "experiment_id", id);
    EXPECT_TRUE(Mentions(status.message(), {"63", "a-z", "0-9", "-"}));
  }
}

TEST(CheckExperimentIdTest, ChecksEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const std::string alone(1, c);
    const std::string inside = absl::StrCat("a", alone, "b");
    EXPECT_EQ(CheckExperimentId("id", alone).ok(), alphanumeric) << byte;
    EXPECT_EQ(CheckExperimentId("id", inside).ok(), alphanumeric || c == '-') << byte;
  }
}

TEST(ParseExperimentNameTest, GivesTheId) {
  for (const std::string& id : GoodIds()) {
    const absl::StatusOr<std::string> parsed = ParseExperimentName("name", "experiments/" + id);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, id);
    EXPECT_EQ(ExperimentName(*parsed), "experiments/" + id);
  }
}

TEST(ParseExperimentNameTest, RefusesBadIds) {
  for (const std::string& id : BadIds()) {
    const std::string name = "experiments/" + id;
    const absl::Status status = ParseExperimentName("name", name).status();
    ExpectRefusal(status, "name", name);
    EXPECT_TRUE(Mentions(status.message(), {"expected an experiment, such as first"}));
  }
}

TEST(ParseExperimentNameTest, RefusesOtherResources) {
  for (const std::string& name :
       {std::string(), std::string("first"), std::string("experiments"),
        std::string("experiment/first"), std::string("Experiments/first"),
        std::string("/experiments/first"), std::string("experiments//first"),
        std::string("experiments/first/"), std::string("experiments/first/runs/0"),
        std::string("presets/first"), std::string("../experiments/first"),
        std::string("experiments/../first")}) {
    ExpectRefusal(ParseExperimentName("parent", name).status(), "parent", name);
  }
}

TEST(ParseRunNameTest, GivesIdAndOrdinal) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  for (const std::string& id : GoodIds()) {
    for (const int64_t ordinal : {int64_t{0}, int64_t{7}, int64_t{9999}, most}) {
      const std::string name = absl::StrCat("experiments/", id, "/runs/", ordinal);
      EXPECT_EQ(FormatRunName(id, ordinal), name);
      const absl::StatusOr<RunName> parsed = ParseRunName("name", name);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      EXPECT_EQ(parsed->experiment_id, id);
      EXPECT_EQ(parsed->ordinal, ordinal);
    }
  }
}

TEST(ParseRunNameTest, RefusesBadIds) {
  for (const std::string& id : BadIds()) {
    const std::string name = absl::StrCat("experiments/", id, "/runs/0");
    const absl::Status status = ParseRunName("name", name).status();
    ExpectRefusal(status, "name", name);
    EXPECT_TRUE(Mentions(status.message(), {"expected a run, such as first/0"}));
  }
}

TEST(ParseRunNameTest, RefusesBadOrdinals) {
  for (const std::string& ordinal :
       {std::string(), std::string("-1"), std::string("+1"), std::string("1.0"), std::string("1e3"),
        std::string(" 1"), std::string("1 "), std::string("0x1"), std::string("one"),
        std::string(".."), std::string("1/"), std::string("1/2"), std::string("1\n"),
        std::string("1\0", 2), std::string("١"), std::string("9223372036854775808"),
        std::string("-9223372036854775808"), std::string(1 << 20, '9')}) {
    const std::string name = "experiments/first/runs/" + ordinal;
    ExpectRefusal(ParseRunName("name", name).status(), "name", name);
  }
}

TEST(ParseRunNameTest, RefusesOtherResources) {
  for (const std::string& name :
       {std::string(), std::string("0"), std::string("first/0"), std::string("experiments/first"),
        std::string("experiments/first/runs"), std::string("experiments/first/run/0"),
        std::string("experiments/first/runs/0/epochs"), std::string("runs/0"),
        std::string("/experiments/first/runs/0"), std::string("experiments/first//runs/0"),
        std::string("experiments/first/runs/runs/0"), std::string(1 << 20, '/')}) {
    ExpectRefusal(ParseRunName("parent", name).status(), "parent", name);
  }
}

TEST(ResourceNameErrorTest, AShortNameIsRejectedWithItsFullName) {
  EXPECT_TRUE(Mentions(ParseExperimentName("name", "first").status().message(),
                       {"name is \"first\"; use the full name, experiments/first"}));
  EXPECT_TRUE(Mentions(ParseRunName("name", "first/0").status().message(),
                       {"name is \"first/0\"; use the full name, experiments/first/runs/0"}));
}

TEST(ResourceNameErrorTest, AnotherKindOfResourceIsRejectedWithAnExample) {
  EXPECT_EQ(ParseExperimentName("name", "experiments/first/runs/0").status().message(),
            "name is \"first/0\"; expected an experiment, such as first");
  EXPECT_EQ(ParseRunName("name", "experiments/first").status().message(),
            "name is \"first\"; expected a run, such as first/0");
}

TEST(ResourceNameErrorTest, DetailsOfALongUnicodeNameCanBeReadBack) {
  // An error may cut a long name short, but not in the middle of a character: a client could not
  // read a BadRequest that is not UTF-8.
  std::string three_bytes_each;
  for (int i = 0; i < 100; ++i) three_bytes_each += "€";
  for (const std::string& start : {std::string(), std::string("a"), std::string("ab")}) {
    const std::string id = start + three_bytes_each;
    EXPECT_EQ(ViolationsOf(CheckExperimentId("id", id)).count("id"), 1u) << start;
    EXPECT_EQ(ViolationsOf(ParseExperimentName("name", "experiments/" + id).status()).count("name"),
              1u)
        << start;
    EXPECT_EQ(ViolationsOf(ParseRunName("run", id).status()).count("run"), 1u) << start;
  }
}

TEST(ExpandNameTest, ExpandsShortNames) {
  EXPECT_EQ(ExpandName("first"), "experiments/first");
  EXPECT_EQ(ExpandName("first/0"), "experiments/first/runs/0");
  EXPECT_EQ(ExpandName("first/12"), "experiments/first/runs/12");
}

TEST(ExpandNameTest, LeavesFullNamesUnchanged) {
  EXPECT_EQ(ExpandName("experiments/first"), "experiments/first");
  EXPECT_EQ(ExpandName("experiments/first/runs/0"), "experiments/first/runs/0");
}

TEST(ExpandNameTest, InvertsShortenName) {
  for (const std::string& name :
       std::vector<std::string>{"experiments/first", "experiments/first/runs/0", "experiments/runs",
                                "experiments/runs/runs/3", "experiments/a-1/runs/9999",
                                "experiments/experiments", "experiments/experiments/runs/0"}) {
    EXPECT_EQ(ExpandName(ShortenName(name)), name) << "printed as " << ShortenName(name);
  }
}

TEST(ExpandNameTest, MalformedNamesStayMalformed) {
  EXPECT_FALSE(ParseRunName("name", ExpandName("first/0/1")).ok());
  EXPECT_FALSE(ParseRunName("name", ExpandName("first/x")).ok());
  EXPECT_FALSE(ParseExperimentName("name", ExpandName("Not A Name")).ok());
  EXPECT_FALSE(ParseExperimentName("name", ExpandName("")).ok());
}

TEST(ExpandNameTest, ExpandedHostileInputIsRejected) {
  for (const std::string& id : BadIds()) {
    const std::string experiment = ExpandName(id);
    EXPECT_FALSE(ParseExperimentName("name", experiment).ok()) << id.substr(0, 80);
    const std::string run = ExpandName(id + "/0");
    EXPECT_FALSE(ParseRunName("name", run).ok()) << id.substr(0, 80);
  }
}

TEST(ShortenNameTest, ShortensFullNames) {
  EXPECT_EQ(ShortenName("experiments/first"), "first");
  EXPECT_EQ(ShortenName("experiments/first/runs/12"), "first/12");
}

TEST(ShortenNameTest, LeavesOtherNames) {
  EXPECT_EQ(ShortenName("presets/annealed"), "presets/annealed");
}

TEST(ShortenNameTest, IsInvertedByExpandName) {
  for (const std::string& id : GoodIds()) {
    const std::string experiment = ExperimentName(id);
    EXPECT_EQ(ExpandName(ShortenName(experiment)), experiment);
    const std::string run = FormatRunName(id, 3);
    EXPECT_EQ(ExpandName(ShortenName(run)), run);
  }
}

TEST(IsRunNameTest, DistinguishesRunsFromExperiments) {
  for (const std::string& id : GoodIds()) {
    EXPECT_FALSE(IsRunName(ExperimentName(id))) << id;
    EXPECT_TRUE(IsRunName(FormatRunName(id, 0))) << id;
  }
  EXPECT_TRUE(IsRunName(ExpandName("first/0")));
  EXPECT_FALSE(IsRunName(ExpandName("runs")));
}

}  // namespace
}  // namespace anneal
