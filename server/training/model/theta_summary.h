// `SummarizeThetas` computes the distribution of all thetas of a network. Pure; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_MODEL_THETA_SUMMARY_H_
#define ANNEAL_SERVER_TRAINING_MODEL_THETA_SUMMARY_H_

#include "anneal/v1/resources.pb.h"
#include "google/protobuf/repeated_field.h"

namespace anneal::training::model {

// Returns the summary (ThetaSummary in resources.proto) of all thetas in the vectors together, of
// which there must be at least one.
v1::ThetaSummary SummarizeThetas(const google::protobuf::RepeatedPtrField<v1::ThetaVector>& thetas);

}  // namespace anneal::training::model

#endif  // ANNEAL_SERVER_TRAINING_MODEL_THETA_SUMMARY_H_
