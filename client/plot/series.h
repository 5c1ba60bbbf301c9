// What figures have in common: colours, labels, and lines of an arm's epochs. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_PLOT_SERIES_H_
#define ANNEAL_CLIENT_PLOT_SERIES_H_

#include <functional>
#include <string>
#include <vector>

#include "client/plot/figure.h"
#include "client/plot/figures.h"
#include "common/metric.h"

namespace anneal::client::plot {

// The colour that what theta does has in every figure.
Color ColorOf(const v1::ThetaConfig& theta);
// A style for each of the wanted colours; see StylesOf in figures.h.
std::vector<Style> StylesOf(const std::vector<Color>& wanted);

// "validation_loss" as "validation loss".
std::string Words(const std::string& name);
// Returns the label of axes that show theta.
std::string ThetaLabel();
// With how many runs it has.
std::string RunCount(const ArmData& arm);

// Not a number where the epoch does not have it.
double ValueAt(const Metric& metric, const v1::Epoch& epoch);

using EpochValue = std::function<double(const v1::Epoch&)>;
// How many epochs all runs of an arm have; the value at one of those, run by run.
size_t SharedEpochs(const ArmData& arm);
std::vector<double> ValuesAt(const ArmData& arm, size_t epoch, const EpochValue& value);
// Means over runs, and one sample standard deviation on either side; empty for a single run.
std::vector<Point> MeanLine(const ArmData& arm, const EpochValue& value);
std::vector<Point> DeviationBand(const ArmData& arm, const EpochValue& value);
// A band on a logarithmic axis ends where the axis does: at the least mean.
void KeepPositive(const std::vector<Point>& line, std::vector<Point>* band);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_SERIES_H_
