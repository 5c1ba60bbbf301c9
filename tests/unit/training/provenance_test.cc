#include "server/training/provenance.h"

#include "common/provenance.h"
#include "gtest/gtest.h"

namespace anneal::training {
namespace {

TEST(ProvenanceTest, ReadsTheFirstProcessor) {
  const absl::string_view cpuinfo =
      "processor\t: 0\nmodel name\t: Some CPU: fast\nflags\t\t: fpu avx2\n\n"
      "processor\t: 1\nmodel name\t: Another\n";
  EXPECT_EQ(CpuinfoValue(cpuinfo, "model name"), "Some CPU: fast");
  EXPECT_EQ(CpuinfoValue(cpuinfo, "flags"), "fpu avx2");
  EXPECT_EQ(CpuinfoValue(cpuinfo, "model"), "");
}

TEST(ProvenanceTest, KindIsOfTheBuildAndTheInstructions) {
  v1::Provenance one = ThisProvenance();
  v1::Provenance other = one;
  other.set_host("elsewhere");
  other.set_cpu_model("another");
  EXPECT_EQ(KindOf(one), KindOf(other));
  other.set_simd_target("SSE4");
  EXPECT_NE(KindOf(one), KindOf(other));
  other = one;
  other.set_git_commit("0123456789012345678901234567890123456789");
  EXPECT_NE(KindOf(one), KindOf(other));
}

}  // namespace
}  // namespace anneal::training
