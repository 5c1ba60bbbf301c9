// `SKIP_WITHOUT_GRPC_1_51_WORKAROUNDS` skips a test that provokes a fault of gRPC 1.51.

#ifndef ANNEAL_TESTS_E2E_GRPC_1_51_H_
#define ANNEAL_TESTS_E2E_GRPC_1_51_H_

#include "gtest/gtest.h"

// For tests of what server/transport/grpc_1_51 works around, which a daemon built without it does
// not survive: -DANNEAL_GRPC_1_51=OFF trusts gRPC.
#define SKIP_WITHOUT_GRPC_1_51_WORKAROUNDS()                                  \
  if (!ANNEAL_GRPC_1_51) {                                                    \
    GTEST_SKIP() << "anneald is built without the workarounds for gRPC 1.51"; \
  }                                                                           \
  static_assert(true, "takes a semicolon")

#endif  // ANNEAL_TESTS_E2E_GRPC_1_51_H_
