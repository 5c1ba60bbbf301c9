// Checks every #include of the product against the table in ARCHITECTURE.md.

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = SOURCE_DIR;

std::string Contents(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A room is a folder; the two main.cc are rooms of their own, since they use the folders below
// theirs.
std::string RoomOf(const fs::path& file) {
  return file.filename() == "main.cc" ? file.string() : file.parent_path().string();
}

using Arrows = std::map<std::string, std::set<std::string>>;

struct Table {
  Arrows arrows;
  std::vector<std::string> order;
};

// Returns the rows of the table whose first column is `room`.
Table ReadTable() {
  Table table;
  bool inside = false;
  for (absl::string_view line :
       absl::StrSplit(Contents(kRoot / "ARCHITECTURE.md"), '\n', absl::AllowEmpty())) {
    if (absl::StartsWith(line, "| room |")) {
      inside = true;
      continue;
    }
    if (!absl::StartsWith(line, "|")) inside = false;
    if (!inside || absl::StartsWith(line, "|---")) continue;
    const std::vector<std::string> cells = absl::StrSplit(absl::StripSuffix(line, "|"), '|');
    const std::vector<std::string> rooms =
        absl::StrSplit(cells.at(1), absl::ByAnyChar(" `"), absl::SkipEmpty());
    const std::string& room = rooms.at(0);
    table.order.push_back(room);
    for (absl::string_view used :
         absl::StrSplit(cells.at(2), absl::ByAnyChar(" ,`"), absl::SkipEmpty())) {
      table.arrows[room].insert(std::string(used));
    }
    table.arrows[room];
  }
  return table;
}

// Returns every arrow in the sources, with one include that makes it.
std::map<std::pair<std::string, std::string>, std::string> ReadIncludes() {
  std::map<std::pair<std::string, std::string>, std::string> found;
  for (const char* top : {"common", "server", "client"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      const fs::path file = fs::relative(entry.path(), kRoot);
      for (absl::string_view line : absl::StrSplit(Contents(entry.path()), '\n')) {
        if (!absl::ConsumePrefix(&line, "#include ")) continue;
        const fs::path included(std::string(line.substr(1, line.find_last_of("\">") - 1)));
        const std::string first = included.begin()->string();
        if (first == "tests") ADD_FAILURE() << file << " includes " << included;
        if (first != "common" && first != "server" && first != "client") continue;
        found[{RoomOf(file), RoomOf(included)}] =
            absl::StrCat(file.string(), " includes ", included.string());
      }
    }
  }
  return found;
}

TEST(IncludeArrowsTest, EveryIncludeIsAnArrowOfTheTable) {
  const Table table = ReadTable();
  ASSERT_FALSE(table.order.empty()) << "no table in ARCHITECTURE.md";
  for (const auto& [arrow, include] : ReadIncludes()) {
    const auto& [from, to] = arrow;
    ASSERT_TRUE(table.arrows.contains(from)) << from << " is not in the table of ARCHITECTURE.md";
    if (from == to) continue;
    EXPECT_TRUE(table.arrows.at(from).contains(to))
        << include << ", but ARCHITECTURE.md lets " << from << " use "
        << absl::StrJoin(table.arrows.at(from), ", ") << " only";
  }
}

TEST(IncludeArrowsTest, EveryArrowOfTheTableIsUsed) {
  const auto includes = ReadIncludes();
  for (const auto& [from, uses] : ReadTable().arrows) {
    for (const std::string& to : uses) {
      EXPECT_TRUE(includes.contains({from, to})) << from << " does not use " << to;
    }
  }
}

TEST(IncludeArrowsTest, ArrowsPointToEarlierRowsOnly) {
  const Table table = ReadTable();
  std::set<std::string> above;
  for (const std::string& room : table.order) {
    for (const std::string& used : table.arrows.at(room)) {
      EXPECT_TRUE(above.contains(used)) << room << " uses " << used << ", which is not above it";
    }
    EXPECT_TRUE(above.insert(room).second) << room << " has two rows";
  }
}

TEST(IncludeArrowsTest, EveryRoomHasATargetOfItsOwn) {
  for (const std::string& room : ReadTable().order) {
    if (absl::EndsWith(room, "main.cc")) continue;
    const std::string text = Contents(kRoot / room / "CMakeLists.txt");
    EXPECT_TRUE(absl::StrContains(text, "add_library(") ||
                absl::StrContains(text, "anneal_simd_library("))
        << room;
  }
}

// A namespace follows its folder: `server/` and `common/` are left out, and deeper nesting is local
// to the file.
TEST(IncludeArrowsTest, NamespacesFollowFolders) {
  for (const char* top : {"common", "server", "client"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / top)) {
      if (entry.path().extension() != ".h") continue;
      const fs::path file = fs::relative(entry.path(), kRoot);
      std::string expected = absl::StrReplaceAll(file.parent_path().string(), {{"/", "::"}});
      for (const char* dropped : {"common", "server"}) {
        absl::string_view rest = expected;
        if (absl::ConsumePrefix(&rest, dropped)) expected = absl::StrCat("anneal", rest);
      }
      if (absl::StartsWith(expected, "client")) expected = absl::StrCat("anneal::", expected);
      for (absl::string_view line : absl::StrSplit(Contents(entry.path()), '\n')) {
        if (!absl::ConsumePrefix(&line, "namespace anneal")) continue;
        EXPECT_EQ(absl::StrCat("anneal", line), absl::StrCat(expected, " {")) << file;
      }
    }
  }
}

}  // namespace
}  // namespace anneal
