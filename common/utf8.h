// These functions check text from outside and make it safe to print. Pure; thread-safe.

#ifndef ANNEAL_COMMON_UTF8_H_
#define ANNEAL_COMMON_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace anneal {

// Returns true for well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms.
bool IsUtf8(absl::string_view text);

// Returns the longest prefix of at most `most` bytes that ends between characters.
absl::string_view Utf8Prefix(absl::string_view text, size_t most);

// Returns `text` in one line of well-formed UTF-8: control characters, of ASCII and of Unicode's C1
// range, and bytes that are not UTF-8 are escaped as in C (`\n`, `\x1b`). Equal to `text` if it has
// none of them.
std::string Printable(absl::string_view text);

}  // namespace anneal

#endif  // ANNEAL_COMMON_UTF8_H_
