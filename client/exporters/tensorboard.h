// What runs recorded as TensorBoard's events. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_EXPORTERS_TENSORBOARD_H_
#define ANNEAL_CLIENT_EXPORTERS_TENSORBOARD_H_

#include <string>
#include <vector>

#include "anneal/v1/resources.pb.h"
#include "tensorboard/event.pb.h"

namespace anneal::client::exporters {

// The first of a file.
tensorboard::Event FileVersion(const v1::Run& run);

// The run's row on the HPARAMS page: the fields named, as numbers where they are some. Runs of one
// `group` are taken together. `run` has its config.
tensorboard::Event SessionStart(const v1::Run& run, const std::vector<std::string>& fields,
                                const std::string& group);

// All that an epoch has, at the step `epoch`: tags such as train/loss, validation/accuracy,
// theta/mean, gradient_norm/layer_0 and, of what is no such group, run/learning_rate; and a
// histogram theta/layer_0 of each of `thetas`.
tensorboard::Event EpochEvent(const v1::Run& run, const v1::Epoch& epoch,
                              const std::vector<v1::ThetaVector>& thetas);

// Once a run has ended: test/accuracy and the like (test_best/ for the best weights), and that the
// session is over.
std::vector<tensorboard::Event> EndEvents(const v1::Run& run);

// 30 buckets of equal width from the least to the largest; one where all are equal. At least one
// value.
tensorboard::HistogramProto Histogram(const v1::ThetaVector& theta);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_TENSORBOARD_H_
