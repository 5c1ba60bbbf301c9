// These functions give all figures the same colours and labels, and compute an arm's per-epoch
// statistics. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_PLOT_SERIES_H_
#define ANNEAL_CLIENT_PLOT_SERIES_H_

#include <functional>
#include <string>
#include <vector>

#include "client/plot/arm_data.h"
#include "client/plot/figure.h"
#include "common/metric.h"

namespace anneal::client::plot {

// Returns the colour of a theta policy, the same in every figure.
Color ColorOf(const v1::ThetaConfig& theta);
// Returns a style for each arm. The theta policy determines the colour in every figure: black for
// fixed, vermilion for scheduled; for trained thetas, blue (one for the network), sky blue (per
// layer), purple (per channel) or green (per neuron). If all arms have the same policy, or one
// policy has more arms than there are variants, colours are assigned in turn.
std::vector<Style> StylesOf(const std::vector<ArmData>& arms);
// Returns a style for each of the `wanted` colours, by the same rules.
std::vector<Style> StylesOf(const std::vector<Color>& wanted);

// Returns the label of axes that show theta.
std::string ThetaLabel();
// Returns the arm's name with its number of runs.
std::string RunCount(const ArmData& arm);

// Returns NaN if the epoch lacks the metric.
double ValueAt(const Metric& metric, const v1::Epoch& epoch);

using EpochValue = std::function<double(const v1::Epoch&)>;
// `SharedEpochs` returns the number of epochs that all runs of an arm have; `ValuesAt` returns the
// values at one of them, one per run.
size_t SharedEpochs(const ArmData& arm);
std::vector<double> ValuesAt(const ArmData& arm, size_t epoch, const EpochValue& value);
// The mean over runs, and ±1 sample standard deviation; empty for a single run.
std::vector<Point> MeanLine(const ArmData& arm, const EpochValue& value);
std::vector<Point> DeviationBand(const ArmData& arm, const EpochValue& value);
// Clips a band for a logarithmic axis at the smallest mean of `line`.
void KeepPositive(const std::vector<Point>& line, std::vector<Point>* band);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_SERIES_H_
