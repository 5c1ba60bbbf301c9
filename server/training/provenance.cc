#include "server/training/provenance.h"

#include <unistd.h>

#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/build_info.h"
#include "common/version.h"
#include "server/training/vectors/vectors.h"

namespace anneal::training {
namespace {

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

// Processors of other architectures name their model and features in other words.
std::string FirstValue(absl::string_view cpuinfo, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (std::string value = CpuinfoValue(cpuinfo, key); !value.empty()) return value;
  }
  return "";
}

v1::Provenance Describe() {
  std::ifstream file("/proc/cpuinfo");
  const std::string cpuinfo{std::istreambuf_iterator<char>(file), {}};
  v1::Provenance provenance;
  provenance.set_version(std::string(kVersion));
  provenance.set_git_commit(std::string(GitCommit()));
  provenance.set_git_dirty(IsGitDirty());
  provenance.set_compiler(std::string(CompilerName()));
  provenance.set_libtorch(ANNEAL_TORCH_VERSION);
  provenance.set_simd_target(vectors::TargetName());
  provenance.set_cpu_model(FirstValue(cpuinfo, {"model name", "CPU part", "Model", "cpu"}));
  provenance.set_cpu_features(FirstValue(cpuinfo, {"flags", "Features", "isa"}));
  provenance.set_host(HostName());
  provenance.set_worker("thread");
  return provenance;
}

}  // namespace

const v1::Provenance& ThisProvenance() {
  static const auto& provenance = *new v1::Provenance(Describe());
  return provenance;
}

std::string CpuinfoValue(absl::string_view cpuinfo, absl::string_view key) {
  for (const absl::string_view line : absl::StrSplit(cpuinfo, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) == key) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

}  // namespace anneal::training
