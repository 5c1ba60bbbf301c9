// These functions turn the arms of a comparison into series, and give all figures the same colours,
// labels and markers. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_PLOT_SERIES_H_
#define ANNEAL_CLIENT_PLOT_SERIES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "anneal/v1/services.pb.h"
#include "client/plot/figure.h"

namespace anneal::client::plot {

using Arms = google::protobuf::RepeatedPtrField<v1::Arm>;

// Returns the colour of a theta policy, the same in every figure.
Color ColorOf(const v1::ThetaConfig& theta);
// Returns a style for each arm. The theta policy determines the colour in every figure: black for
// fixed, vermilion for scheduled; for trained thetas, blue (one for the network), sky blue (per
// layer), purple (per channel) or green (per neuron). If all arms have the same policy, or one
// policy has more arms than there are variants, colours are assigned in turn.
std::vector<Style> StylesOf(const Arms& arms);
// Returns a style for each of the `wanted` colours, by the same rules.
std::vector<Style> StylesOf(const std::vector<Color>& wanted);

// Returns the label of axes that show theta.
std::string ThetaLabel();

// Returns `seeds`, or `runs` where a seed of an arm has several runs that count.
std::string AveragedOver(const v1::CompareExperimentsResponse& comparison);
// Returns `; diverged runs excluded` where the comparison excludes them, else nothing.
std::string ExclusionNote(const v1::CompareExperimentsResponse& comparison);

// Returns the arm's curve of a metric, or of a layer's; null without one.
const v1::Curve* FindCurve(const v1::Arm& arm, absl::string_view metric, int layer = -1);

// Returns the number of runs behind a curve: `n = 10`, or `n = 10…9` where it changes. `n = 0` for
// null.
std::string SampleSize(const v1::Curve* curve);
// Returns an arm's legend: its name, the given sample size, and the number of runs that diverged.
std::string ArmLabel(const v1::Arm& arm, absl::string_view sample_size);

// Returns the curve's means; a mean of every epoch over the runs that have it.
std::vector<Point> MeanLine(const v1::Curve& curve);
// Returns the curve's lows and highs; empty where no epoch has two runs.
std::vector<Point> DeviationBand(const v1::Curve& curve);
// Returns the last values of the runs that diverged.
std::vector<Point> DivergedEnds(const v1::Curve& curve);
// Clips a band for a logarithmic axis at the smallest mean of `line`.
void KeepPositive(const std::vector<Point>& line, std::vector<Point>* band);

// Returns a legend entry that belongs to no arm and explains a marker.
Series MarkerLegend(Series::Marker marker, absl::string_view label);

// Collects the series of a panel, so that lines are drawn over bands and markers over lines. Not
// thread-safe.
class Layers {
 public:
  void AddBand(Style style, std::vector<Point> points);
  // Adds a line, which without points is a legend entry only.
  void AddLine(std::string label, Style style, std::vector<Point> points);
  // Adds a marker at each end of a run that diverged.
  void AddEnds(Style style, std::vector<Point> points);
  // Adds the curve's line and its ends; for null a legend entry only.
  void AddCurve(std::string label, Style style, const v1::Curve* curve);

  // Returns all series, with a legend entry for the markers if there are any.
  std::vector<Series> Take() &&;

 private:
  std::vector<Series> bands_;
  std::vector<Series> lines_;
  std::vector<Series> ends_;
};

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_SERIES_H_
