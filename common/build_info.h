// These functions say which source and compiler this program was built from. Pure; thread-safe.

#ifndef ANNEAL_COMMON_BUILD_INFO_H_
#define ANNEAL_COMMON_BUILD_INFO_H_

#include "absl/strings/string_view.h"

namespace anneal {

// The commit of the source, 40 hexadecimal digits; empty for a build outside of a git repository.
absl::string_view GitCommit();
// True if tracked files differed from the commit.
bool IsGitDirty();
// Such as `GNU 12.2.0`.
absl::string_view CompilerName();

}  // namespace anneal

#endif  // ANNEAL_COMMON_BUILD_INFO_H_
