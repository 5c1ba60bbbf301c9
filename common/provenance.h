// `KindOf` says what must be equal for two attempts at a run to give the same bits.

#ifndef ANNEAL_COMMON_PROVENANCE_H_
#define ANNEAL_COMMON_PROVENANCE_H_

#include <string>

#include "anneal/v1/resources.pb.h"

namespace anneal {

// Returns the build and the vector instructions in one line. Pure; thread-safe.
std::string KindOf(const v1::Provenance& provenance);

}  // namespace anneal

#endif  // ANNEAL_COMMON_PROVENANCE_H_
