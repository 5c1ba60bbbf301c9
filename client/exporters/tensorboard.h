// These functions convert recorded runs to TensorBoard events. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_EXPORTERS_TENSORBOARD_H_
#define ANNEAL_CLIENT_EXPORTERS_TENSORBOARD_H_

#include <string>
#include <vector>

#include "anneal/v1/resources.pb.h"
#include "client/exporters/event.pb.h"

namespace anneal::client::exporters {

// Returns the first event of a file.
tensorboard::Event FileVersion(const v1::Run& run);

// Returns the run's row on the HPARAMS page, with the given fields; numeric values become numbers.
// Runs with the same `group` form one session group. `run` includes its config.
tensorboard::Event SessionStart(const v1::Run& run, const std::vector<std::string>& fields,
                                const std::string& group);

// Returns the scalars of an epoch, at step `epoch`, with tags such as train/loss,
// validation/accuracy, theta/mean and gradient_norm/layer_0, and run/learning_rate for those
// without a group; and a histogram theta/layer_0 for each of `thetas`.
tensorboard::Event EpochEvent(const v1::Run& run, const v1::Epoch& epoch,
                              const std::vector<v1::ThetaVector>& thetas);

// Returns the events of a finished run: test/accuracy etc. (test_best/ for the best weights), and
// the end of the session.
std::vector<tensorboard::Event> EndEvents(const v1::Run& run);

// Returns 30 buckets of equal width from the minimum to the maximum; one bucket if all values are
// equal. `theta` must not be empty.
tensorboard::HistogramProto Histogram(const v1::ThetaVector& theta);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_TENSORBOARD_H_
