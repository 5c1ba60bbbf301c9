// These functions make errors that name the field, its value and the remedy.
//
// Such a status carries the google.rpc messages of google.aip.dev/193 as payloads. server/api
// copies them to the wire, and the client reads them back.

#ifndef ANNEAL_COMMON_STATUS_H_
#define ANNEAL_COMMON_STATUS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/errors.pb.h"

// Returns the status of `expr` from the enclosing function unless it is OK.
#define ANNEAL_RETURN_IF_ERROR(expr)                                                    \
  do {                                                                                  \
    if (absl::Status anneal_status = (expr); !anneal_status.ok()) return anneal_status; \
  } while (false)

// Declares `lhs` with the value of the StatusOr `expr`, or returns its status.
#define ANNEAL_ASSIGN_OR_RETURN(lhs, expr) \
  ANNEAL_ASSIGN_OR_RETURN_IMPL(ANNEAL_CONCAT(anneal_or_, __LINE__), lhs, expr)
#define ANNEAL_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                                 \
  if (!tmp.ok()) return tmp.status();                \
  lhs = *std::move(tmp)
#define ANNEAL_CONCAT(a, b) ANNEAL_CONCAT_IMPL(a, b)
#define ANNEAL_CONCAT_IMPL(a, b) a##b

namespace anneal {

inline constexpr absl::string_view kErrorDomain = "anneal";
inline constexpr absl::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
inline constexpr absl::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";

// Collects all violations of a request, so that one error reports all of them.
class FieldViolations {
 public:
  // `field` is a path such as `optimizer.learning_rate`; `description` continues it: "is -1;
  // allowed is 0 < value <= 1000".
  void Add(absl::string_view field, absl::string_view description);

  // Adds the violations of a message that is the request's field `prefix`, except those already
  // here. Programs get the path in the request (`experiment.config.epochs`), people the one that
  // they wrote (`epochs`). An empty prefix means the request itself.
  void AddUnder(absl::string_view prefix, const FieldViolations& inner);
  // The same for a status that ToStatus made. Returns false, and adds nothing, for any other.
  bool AddUnder(absl::string_view prefix, const absl::Status& status);

  // Returns whether `field`, or a field in it, has a violation.
  bool Has(absl::string_view field) const;
  bool empty() const { return violations_.empty(); }
  size_t size() const { return violations_.size(); }

  // Orders the violations by the position of their fields, stably.
  void Sort(const std::function<std::vector<int>(absl::string_view field)>& position);

  // Returns OK if empty, else INVALID_ARGUMENT with one line per violation and a BadRequest
  // payload.
  absl::Status ToStatus() const;

 private:
  struct Violation {
    std::string field;  // its path in the request
    std::string name;   // as people write it
    std::string description;
  };
  void AddOnce(Violation violation);

  std::vector<Violation> violations_;
};

// Quotes a user's text for a message, in one line of UTF-8: control characters, malformed bytes and
// quotation marks are escaped. Long texts are truncated, at a character boundary.
std::string Quoted(absl::string_view text);

// Replaces the line breaks of a library's message by spaces.
std::string OneLine(absl::string_view text);

// Returns INVALID_ARGUMENT for one field.
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// Moves the violations of a status to `field` of the request. The message is kept.
absl::Status AtField(absl::string_view field, absl::Status status);

// Adds an ErrorInfo with `reason` and `metadata` to an error; returns OK unchanged.
absl::Status WithReason(absl::Status status, v1::ErrorReason reason,
                        const std::map<std::string, std::string>& metadata = {});

// Returns the reason of an error's ErrorInfo; ERROR_REASON_UNSPECIFIED without an ErrorInfo, or
// with a reason that this program does not know.
v1::ErrorReason ReasonOf(const absl::Status& status);
// Returns the reason as it was sent, such as RATE_LIMITED; empty without an ErrorInfo.
std::string ReasonText(const absl::Status& status);
// Returns one of its metadata; empty if there is none.
std::string ReasonMetadata(const absl::Status& status, const std::string& key);

}  // namespace anneal

#endif  // ANNEAL_COMMON_STATUS_H_
