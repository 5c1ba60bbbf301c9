#include "common/utf8.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace anneal {
namespace {

TEST(IsUtf8Test, AcceptsCharactersOfEverySize) {
  for (const std::string& text : std::vector<std::string>{
           "", "plain\n", std::string(1, '\0'), "é", "\u0080", "\u07ff", "\u0800", "θ → π/4",
           "\ud7ff", "\ue000", "\U00010000", "\U0010ffff"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(IsUtf8Test, RejectsMalformedText) {
  for (const std::string& text : std::vector<std::string>{"\x80", "\xff", "\xfe", "a\xc3", "\xc3(",
                                                          "\xe2\x82", "\xf0\x9f\x98",
                                                          "\xc0\xaf",  // an overlong form of /
                                                          "\xe0\x80\xaf", "\xf0\x80\x80\xaf",
                                                          "\xed\xa0\x80",      // a surrogate
                                                          "\xf4\x90\x80\x80",  // beyond U+10FFFF
                                                          "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(text)) << Printable(text);
  }
}

TEST(Utf8PrefixTest, EndsBetweenCharacters) {
  EXPECT_EQ(Utf8Prefix("aé", 3), "aé");
  EXPECT_EQ(Utf8Prefix("aé", 2), "a");
  EXPECT_EQ(Utf8Prefix("€", 2), "");
  EXPECT_EQ(Utf8Prefix("", 5), "");
}

TEST(PrintableTest, EscapesControlCharactersAndMalformedBytes) {
  EXPECT_EQ(Printable("a\nb\t\x1b[2J\x7f"), "a\\nb\\t\\x1b[2J\\x7f");
  EXPECT_EQ(Printable("\u0085"), "\\xc2\\x85");
  EXPECT_EQ(Printable("x\xff\xc3"), "x\\xff\\xc3");
}

TEST(PrintableTest, LeavesPrintableText) {
  const std::string text = "θ = \"π/4\" \\ 日本 \u00a0";
  EXPECT_EQ(Printable(text), text);
}

}  // namespace
}  // namespace anneal
