#include "common/filter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"

namespace anneal {
namespace {

struct Token {
  enum class Kind { kWord, kQuoted, kComparator, kOpen, kClose, kMinus, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;
  Comparator comparator = Comparator::kEqual;
  size_t at = 0;  // offset of its first character
};

bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '/' ||
         c == '+' || c == '-' || c == '*' || static_cast<unsigned char>(c) >= 0x80;
}

absl::Status SyntaxError(size_t at, absl::string_view what) {
  return InvalidField("filter",
                      absl::StrCat("has a syntax error at character ", at + 1, ": ", what));
}

class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) {}

  absl::StatusOr<Token> Next() {
    while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    Token token{.at = at_};
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '(' || c == ')') {
      ++at_;
      token.kind = c == '(' ? Token::Kind::kOpen : Token::Kind::kClose;
      return token;
    }
    if (c == '"' || c == '\'') return Quoted(token);
    if (TakeComparator(&token)) return token;
    // A minus before a field or parenthesis is NOT; before a number it is a sign.
    if (c == '-' && !after_comparator_) {
      ++at_;
      token.kind = Token::Kind::kMinus;
      return token;
    }
    return Word(token);
  }

 private:
  bool TakeComparator(Token* token) {
    static constexpr std::pair<absl::string_view, Comparator> kComparators[] = {
        {"<=", Comparator::kLessEqual}, {">=", Comparator::kGreaterEqual},
        {"!=", Comparator::kNotEqual},  {"<", Comparator::kLess},
        {">", Comparator::kGreater},    {"=", Comparator::kEqual},
        {":", Comparator::kHas}};
    for (const auto& [spelling, comparator] : kComparators) {
      if (text_.substr(at_, spelling.size()) != spelling) continue;
      at_ += spelling.size();
      token->kind = Token::Kind::kComparator;
      token->comparator = comparator;
      after_comparator_ = true;
      return true;
    }
    return false;
  }

  absl::StatusOr<Token> Quoted(Token token) {
    const char mark = text_[at_++];
    while (at_ < text_.size() && text_[at_] != mark) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      token.text.push_back(text_[at_++]);
    }
    if (at_ == text_.size()) return SyntaxError(token.at, "missing closing quotation mark");
    ++at_;
    token.kind = Token::Kind::kQuoted;
    after_comparator_ = false;
    return token;
  }

  absl::StatusOr<Token> Word(Token token) {
    // After a comparator, words include colons, for times: 2026-11-23T10:00:00Z.
    while (at_ < text_.size() &&
           (IsWordCharacter(text_[at_]) || (after_comparator_ && text_[at_] == ':'))) {
      token.text.push_back(text_[at_++]);
    }
    if (token.text.empty()) {
      return SyntaxError(at_, "quote texts with this character: note = \"...\"");
    }
    token.kind = Token::Kind::kWord;
    after_comparator_ = false;
    return token;
  }

  const absl::string_view text_;
  size_t at_ = 0;
  bool after_comparator_ = false;
};

class Parser {
 public:
  explicit Parser(absl::string_view text) : lexer_(text) {}

  absl::StatusOr<Filter> Parse() {
    ANNEAL_RETURN_IF_ERROR(Advance());
    if (next_.kind == Token::Kind::kEnd) return Filter();
    ANNEAL_ASSIGN_OR_RETURN(Filter filter, All());
    if (next_.kind != Token::Kind::kEnd) {
      return SyntaxError(next_.at, "expected AND, OR or the end");
    }
    return filter;
  }

 private:
  absl::Status Advance() {
    ANNEAL_ASSIGN_OR_RETURN(next_, lexer_.Next());
    return absl::OkStatus();
  }
  bool AtWord(absl::string_view word) const {
    return next_.kind == Token::Kind::kWord && next_.text == word;
  }
  bool AtTerm() const {
    return next_.kind == Token::Kind::kOpen || next_.kind == Token::Kind::kMinus ||
           (next_.kind == Token::Kind::kWord && next_.text != "AND" && next_.text != "OR");
  }

  // all = any { [ "AND" ] any }
  absl::StatusOr<Filter> All() {
    ANNEAL_ASSIGN_OR_RETURN(Filter first, Any());
    std::vector<Filter> operands;
    operands.push_back(std::move(first));
    while (AtWord("AND") || AtTerm()) {
      if (AtWord("AND")) ANNEAL_RETURN_IF_ERROR(Advance());
      ANNEAL_ASSIGN_OR_RETURN(operands.emplace_back(), Any());
    }
    return Joined(Filter::Kind::kAll, std::move(operands));
  }

  // any = term { "OR" term }
  absl::StatusOr<Filter> Any() {
    ANNEAL_ASSIGN_OR_RETURN(Filter first, Term());
    std::vector<Filter> operands;
    operands.push_back(std::move(first));
    while (AtWord("OR")) {
      ANNEAL_RETURN_IF_ERROR(Advance());
      ANNEAL_ASSIGN_OR_RETURN(operands.emplace_back(), Term());
    }
    return Joined(Filter::Kind::kAny, std::move(operands));
  }

  // term = ( "NOT" | "-" ) term | "(" all ")" | comparison
  absl::StatusOr<Filter> Term() {
    if (++depth_ > kMaxFilterDepth) {
      return SyntaxError(next_.at, absl::StrCat("more than ", kMaxFilterDepth,
                                                " nesting levels; simplify the filter"));
    }
    absl::StatusOr<Filter> term = TermInside();
    --depth_;
    return term;
  }

  absl::StatusOr<Filter> TermInside() {
    if (next_.kind == Token::Kind::kMinus || AtWord("NOT")) {
      ANNEAL_RETURN_IF_ERROR(Advance());
      Filter negation{.kind = Filter::Kind::kNot};
      ANNEAL_ASSIGN_OR_RETURN(negation.operands.emplace_back(), Term());
      return negation;
    }
    if (next_.kind != Token::Kind::kOpen) return Comparison();
    ANNEAL_RETURN_IF_ERROR(Advance());
    ANNEAL_ASSIGN_OR_RETURN(Filter inside, All());
    if (next_.kind != Token::Kind::kClose) return SyntaxError(next_.at, "expected AND, OR or )");
    ANNEAL_RETURN_IF_ERROR(Advance());
    return inside;
  }

  absl::StatusOr<Filter> Comparison() {
    if (!AtTerm()) return SyntaxError(next_.at, "expected a field, NOT or (");
    if (++comparisons_ > kMaxFilterComparisons) {
      return SyntaxError(next_.at, absl::StrCat("more than ", kMaxFilterComparisons,
                                                " comparisons; simplify the filter"));
    }
    Filter filter{.kind = Filter::Kind::kComparison, .field = next_.text};
    ANNEAL_RETURN_IF_ERROR(Advance());
    if (next_.kind != Token::Kind::kComparator) {
      return SyntaxError(next_.at, "expected one of = != < <= > >= : after the field");
    }
    filter.comparator = next_.comparator;
    ANNEAL_RETURN_IF_ERROR(Advance());
    if (next_.kind != Token::Kind::kWord && next_.kind != Token::Kind::kQuoted) {
      return SyntaxError(next_.at, "expected a value");
    }
    filter.quoted = next_.kind == Token::Kind::kQuoted;
    filter.value = next_.text;
    ANNEAL_RETURN_IF_ERROR(Advance());
    return filter;
  }

  static Filter Joined(Filter::Kind kind, std::vector<Filter> operands) {
    if (operands.size() == 1) return std::move(operands[0]);
    return Filter{.kind = kind, .operands = std::move(operands)};
  }

  Lexer lexer_;
  Token next_;
  int depth_ = 0;
  int comparisons_ = 0;
};

}  // namespace

absl::StatusOr<Filter> ParseFilter(absl::string_view text) {
  if (text.size() > kMaxFilterBytes) {
    return InvalidField("filter", absl::StrCat("has ", text.size(), " bytes; at most ",
                                               kMaxFilterBytes, " are allowed"));
  }
  return Parser(text).Parse();
}

absl::StatusOr<std::vector<OrderField>> ParseOrder(absl::string_view text) {
  std::vector<OrderField> fields;
  if (absl::StripAsciiWhitespace(text).empty()) return fields;
  if (text.size() > kMaxFilterBytes) {
    return InvalidField("order_by", absl::StrCat("has ", text.size(), " bytes; at most ",
                                                 kMaxFilterBytes, " are allowed"));
  }
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<std::string> words =
        absl::StrSplit(part, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
    const bool directed = words.size() == 2 && (words[1] == "desc" || words[1] == "asc");
    if (words.size() != 1 && !directed) {
      return InvalidField("order_by",
                          absl::StrCat("has ", Quoted(part), "; expected FIELD or FIELD desc"));
    }
    fields.push_back({.field = words[0], .descending = directed && words[1] == "desc"});
  }
  if (fields.size() > kMaxOrderFields) {
    return InvalidField("order_by", absl::StrCat("has ", fields.size(), " fields; at most ",
                                                 kMaxOrderFields, " are allowed"));
  }
  return fields;
}

}  // namespace anneal
