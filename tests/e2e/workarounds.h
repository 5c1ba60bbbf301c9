// `SKIP_WITHOUT_GRPC_1_51` skips a test that provokes a fault of gRPC 1.51.

#ifndef ANNEAL_TESTS_E2E_WORKAROUNDS_H_
#define ANNEAL_TESTS_E2E_WORKAROUNDS_H_

#include "gtest/gtest.h"

// For tests of the faults that server/transport/grpc_1_51 works around: a daemon that is built with
// -DANNEAL_GRPC_1_51=OFF relies on a gRPC without them.
#define SKIP_WITHOUT_GRPC_1_51() \
  if (!ANNEAL_GRPC_1_51) GTEST_SKIP() << "anneald is built without the workarounds for gRPC 1.51"

#endif  // ANNEAL_TESTS_E2E_WORKAROUNDS_H_
