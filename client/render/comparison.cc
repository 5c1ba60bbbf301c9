#include "client/render/comparison.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/metric.h"

namespace anneal::client::render {
namespace {

using Align = Table::Align;
using Response = v1::CompareExperimentsResponse;

// The names of this many arms precede a note that they share.
constexpr size_t kNamedArms = 3;

// A metric that this version does not know is shown as it is.
std::optional<Metric> MetricOf(const std::string& name) {
  auto metric = FindRunMetric("metric", name);
  return metric.ok() ? std::optional<Metric>(*std::move(metric)) : std::nullopt;
}

bool IsShare(const std::string& name) {
  const auto metric = MetricOf(name);
  return metric.has_value() && metric->percent;
}

bool IsOfTest(const Response& response) {
  const auto metric = MetricOf(response.metric());
  return metric.has_value() && metric->is_of_test();
}

bool Excludes(const Response& response) { return response.diverged() == v1::DIVERGED_RUNS_EXCLUDE; }

std::string WithExclusion(std::string title, const Response& response) {
  if (Excludes(response)) absl::StrAppend(&title, "; diverged runs excluded");
  return title;
}

std::string Number(double value, bool percent) { return percent ? Percent(value) : Short(value); }

std::string Signed(double value, bool percent) {
  return percent ? absl::StrFormat("%+.2f", 100 * value) : absl::StrFormat("%+.4g", value);
}

std::string OrDash(bool is_set, const std::string& text) { return is_set ? text : "-"; }

// The median is unset where it would be a run that diverged, which is worse than every value.
std::string MedianOf(const v1::Statistic& statistic, bool percent) {
  if (statistic.has_median()) return Number(statistic.median(), percent);
  return statistic.left_out() > 0 ? "diverged" : "-";
}

std::string IntervalText(const v1::Comparison& comparison, bool percent) {
  if (!comparison.has_difference_low()) return "-";
  const std::string low = Signed(comparison.difference_low(), percent);
  if (comparison.degenerate()) return absl::StrCat(low, " (degenerate)");
  return absl::StrCat("[", low, ", ", Signed(comparison.difference_high(), percent), "]");
}

// A metric that this version does not know may rank arms.
bool Ranks(const Response& response) {
  const auto metric = MetricOf(response.metric());
  return !metric.has_value() || metric->better != v1::MetricOptions::BETTER_NEITHER;
}

std::string PText(double p) { return p < 0.001 ? "< 0.001" : absl::StrFormat("%.3f", p); }

// With the bound of few pairs: `1.000 (≥ 0.25)`.
std::string PText(const v1::Comparison& comparison, double alpha) {
  if (!comparison.has_p_value()) return "-";
  const double p = comparison.p_value();
  const double smallest = comparison.smallest_p_value();
  if (smallest <= alpha) return PText(p);
  // 0.0625 may not look smaller than itself.
  return absl::StrCat(p == smallest ? Short(p) : PText(p), " (≥ ", Short(smallest), ")");
}

std::string ValueHeader(const std::string& name) {
  const auto metric = MetricOf(name);
  return metric.has_value() ? MetricColumn(*metric).header : name;
}

std::vector<std::string> DifferenceRow(const v1::Arm& arm, const Response& response, bool percent) {
  const v1::Statistic& value = arm.value();
  std::vector<std::string> row = {
      arm.name(), MeanOf(value, percent), MedianOf(value, percent),
      OrDash(value.has_interquartile_mean(), Number(value.interquartile_mean(), percent))};
  if (!arm.has_comparison()) {
    const bool is_baseline = arm.name() == response.baseline();
    for (const char* cell : {"-", is_baseline ? "baseline" : "-", "-", "-", "-", "-", "-"}) {
      row.emplace_back(cell);
    }
    return row;
  }
  const v1::Comparison& c = arm.comparison();
  row.push_back(absl::StrCat(c.pairs()));
  row.push_back(OrDash(c.has_difference(), Signed(c.difference(), percent)));
  row.push_back(IntervalText(c, percent));
  row.push_back(OrDash(c.has_effect_size(), absl::StrFormat("%+.2f", c.effect_size())));
  row.push_back(Ranks(response) ? absl::StrFormat("%.2f", c.probability_of_improvement()) : "-");
  row.push_back(PText(c, response.alpha()));
  row.push_back(OrDash(c.has_holm_p_value(), PText(c.holm_p_value())));
  return row;
}

// Returns true if `holds` is true of one of the first arms.
template <typename Condition>
bool AnyArm(const Response& response, int arms, Condition holds) {
  return std::any_of(response.arms().begin(), response.arms().begin() + arms, holds);
}

bool LeavesOut(const v1::Arm& arm) {
  return arm.value().left_out() > 0 || arm.validation_accuracy().left_out() > 0 ||
         arm.validation_relu_accuracy().left_out() > 0 || arm.test_accuracy().left_out() > 0 ||
         arm.theta().left_out() > 0 || arm.epoch_seconds().left_out() > 0;
}

std::string IntervalMethods(const Response& response, int arms) {
  const auto uses = [&](v1::Interval::Method method) {
    return AnyArm(response, arms, [method](const v1::Arm& arm) {
      return arm.comparison().has_difference_low() && arm.comparison().interval_method() == method;
    });
  };
  std::vector<std::string> methods;
  if (uses(v1::Interval::METHOD_T)) methods.emplace_back("Student's t (fewer than 15 pairs)");
  if (uses(v1::Interval::METHOD_BCA)) methods.emplace_back("BCa bootstrap (15 pairs or more)");
  return absl::StrJoin(methods, ", ");
}

const char* ImagesOf(const Metric& metric) {
  switch (metric.split) {
    case v1::MetricOptions::SPLIT_TRAIN:
      return "training images";
    case v1::MetricOptions::SPLIT_TEST:
      return "test images";
    default:
      return "validation images";
  }
}

// Of the arm with the largest standard error.
std::string BinomialText(const Response& response, int arms) {
  const v1::Arm* worst = nullptr;
  for (int i = 0; i < arms; ++i) {
    const v1::Arm& arm = response.arms(i);
    if (!arm.has_binomial_standard_error()) continue;
    if (worst == nullptr || arm.binomial_standard_error() > worst->binomial_standard_error()) {
      worst = &arm;
    }
  }
  const auto metric = MetricOf(response.metric());
  if (worst == nullptr || !metric.has_value()) return "";
  return absl::StrCat("On ", worst->evaluated_images(), " ", ImagesOf(*metric),
                      " an accuracy has a binomial standard error of up to ",
                      Percent(worst->binomial_standard_error()),
                      " points, which no interval contains.");
}

std::string LooksText(const Response& response) {
  if (response.looks() == 0) return "";
  return absl::StrCat(
      "Looks at test results, summed over the experiments (equal ones within an hour ",
      "count once): ", response.looks(), ".");
}

// The daemon names the request's field.
std::string InWordsOfTheCommandLine(const std::string& note) {
  return absl::StrReplaceAll(note, {{"; within ", "; --within "}});
}

// Returns true if the indices are of all of the first arms but the baseline.
bool AreAllButTheBaseline(const Response& response, int arms, const std::vector<int>& indices) {
  if (indices.size() + 1 != static_cast<size_t>(arms)) return false;
  const int64_t all = int64_t{arms} * (arms - 1) / 2;
  const int64_t missing = all - std::accumulate(indices.begin(), indices.end(), int64_t{0});
  return response.arms(static_cast<int>(missing)).name() == response.baseline();
}

// The arms that share a note, by their indices.
std::string ArmsText(const Response& response, int arms, const std::vector<int>& indices) {
  if (indices.size() > 1 && indices.size() == static_cast<size_t>(arms)) return "every arm";
  if (indices.size() > 1 && AreAllButTheBaseline(response, arms, indices)) {
    return "every arm but the baseline";
  }
  std::vector<std::string> names;
  for (const int i : indices) {
    if (names.size() == kNamedArms) break;
    names.push_back(response.arms(i).name());
  }
  const size_t others = indices.size() - names.size();
  return absl::StrCat(absl::StrJoin(names, ", "),
                      others == 0 ? "" : absl::StrCat(" and ", others, " more"));
}

std::string ImputationText(const Metric& metric) {
  switch (metric.diverged) {
    case v1::MetricOptions::DIVERGED_UNSPECIFIED:
      return "has no value for a run that diverged: means leave the run out, and say so";
    case v1::MetricOptions::DIVERGED_WORST:
      return "of a run that diverged is worse than every other value: medians and P(BETTER) count "
             "it, means leave the run out, and say so";
    case v1::MetricOptions::DIVERGED_ACCURACY:
      return "of a run that diverged is the share s of the split's largest class";
    case v1::MetricOptions::DIVERGED_PRECISION:
      return "of a run that diverged is s / C, with s the share of the split's largest class and C "
             "the number of classes";
    case v1::MetricOptions::DIVERGED_RECALL:
      return "of a run that diverged is 1 / C, with C the number of classes";
    default:
      return "of a run that diverged is 2 s / ((1 + s) C), with s the share of the split's largest "
             "class and C the number of classes";
  }
}

std::string DivergedText(const Response& response) {
  if (Excludes(response)) {
    return "Diverged runs are excluded, as --failed exclude asks. An arm whose runs often diverge "
           "then looks better than it is: differences can change their sign.";
  }
  const auto metric = MetricOf(response.metric());
  return absl::StrCat(
      "Diverged runs are counted, or an arm would gain by losing its bad runs: they score as if "
      "they always predicted the largest class. ",
      metric.has_value() ? absl::StrCat("Here, ", metric->name, " ", ImputationText(*metric), ". ")
                         : "",
      "--failed exclude leaves them out, and every table says so.");
}

}  // namespace

std::string MetricWithDirection(const Response& response) {
  const auto metric = MetricOf(response.metric());
  if (metric.has_value() && metric->better == v1::MetricOptions::BETTER_NEITHER) {
    return response.metric();
  }
  return absl::StrCat(response.metric(),
                      response.higher_is_better() ? " (higher is better)" : " (lower is better)");
}

std::string ArmTitle(const Response& response) {
  return Excludes(response) ? WithExclusion("arms", response) : "";
}

std::string DifferenceTitle(const Response& response) {
  std::string title =
      absl::StrCat(MetricWithDirection(response), ", paired by seed with ", response.baseline());
  if (!response.within().empty()) {
    absl::StrAppend(&title, " within ", absl::StrJoin(response.within(), ", "));
  }
  return WithExclusion(std::move(title), response);
}

std::string TimeTitle(const Response& response, double threshold) {
  return WithExclusion(
      absl::StrCat("time until ", response.threshold_metric(), " reaches ", Short(threshold)),
      response);
}

Table ArmTable(const Response& response, int arms) {
  const bool of_test = IsOfTest(response);
  std::vector<Table::Column> columns = {{"arm", "ARM", Align::kLeft},
                                        {"preset", "PRESET", Align::kLeft, 6},
                                        {"runs", "RUNS"},
                                        {"diverged", "DIVERGED"},
                                        {"collapsed", "COLLAPSED"},
                                        {"missing", "MISSING"},
                                        {"seeds", "SEEDS", Align::kRight, 2},
                                        MetricColumn("validation_accuracy", 1),
                                        MetricColumn("validation_relu_accuracy", 3),
                                        {"theta", "FINAL θ", Align::kRight, 4},
                                        MetricColumn("epoch_seconds", 5)};
  if (of_test) columns.push_back(MetricColumn("test_accuracy", 1));
  Table table(std::move(columns));
  for (int i = 0; i < arms; ++i) {
    const v1::Arm& arm = response.arms(i);
    std::vector<std::string> row = {
        arm.name(),
        arm.preset().empty() ? "-" : arm.preset(),
        absl::StrCat(arm.total()),
        absl::StrCat(arm.diverged()),
        absl::StrCat(arm.collapsed()),
        absl::StrCat(arm.missing()),
        absl::StrCat(arm.value().count() + arm.value().left_out()),
        MeanOf(arm.validation_accuracy(), IsShare("validation_accuracy")),
        MeanOf(arm.validation_relu_accuracy(), IsShare("validation_relu_accuracy")),
        MeanOf(arm.theta(), IsShare("theta_mean")),
        MeanOf(arm.epoch_seconds(), IsShare("epoch_seconds"))};
    if (of_test) row.push_back(MeanOf(arm.test_accuracy(), IsShare("test_accuracy")));
    table.AddRow(std::move(row));
  }
  return table;
}

Table DifferenceTable(const Response& response, int arms) {
  const bool percent = IsShare(response.metric());
  Table table({{"arm", "ARM", Align::kLeft},
               {"value", ValueHeader(response.metric()), Align::kRight, 1},
               {"median", "MEDIAN", Align::kRight, 6},
               {"interquartile_mean", "IQM", Align::kRight, 7},
               {"pairs", "PAIRS", Align::kRight, 3},
               {"difference", "DIFFERENCE"},
               {"interval", "95 % INTERVAL", Align::kRight},
               {"effect_size", "d_z", Align::kRight, 5},
               {"better", "P(BETTER)", Align::kRight, 4},
               {"p", "P", Align::kRight, 2},
               {"holm", "P (HOLM)", Align::kRight, 1}});
  for (int i = 0; i < arms; ++i) {
    table.AddRow(DifferenceRow(response.arms(i), response, percent));
  }
  return table;
}

Table TimeTable(const Response& response, int arms) {
  Table table({{"arm", "ARM", Align::kLeft},
               {"reached", "REACHED"},
               {"never", "NEVER"},
               {"diverged", "DIVERGED"},
               {"epochs", "MEDIAN EPOCHS", Align::kRight, 1},
               {"seconds", "MEDIAN SECONDS", Align::kRight, 2}});
  for (int i = 0; i < arms; ++i) {
    const v1::TimeToThreshold& times = response.arms(i).time_to_threshold();
    table.AddRow({response.arms(i).name(), absl::StrCat(times.reached()),
                  absl::StrCat(times.never()), absl::StrCat(times.diverged()),
                  OrDash(times.has_median_epochs(), Short(times.median_epochs())),
                  OrDash(times.has_median_seconds(), Short(times.median_seconds()))});
  }
  return table;
}

Table ArmCsv(const std::vector<const google::protobuf::Message*>& arms) {
  return FlatTable(arms, v1::Arm(), {"config"});
}

std::vector<std::string> ArmLegend(const Response& response, int arms) {
  std::vector<std::string> legend = {
      Excludes(response)
          ? "Mean ± standard deviation over SEEDS: those of runs that succeeded, COLLAPSED ones "
            "included. DIVERGED and MISSING runs are not counted."
          : "Mean ± standard deviation over SEEDS: those of runs that succeeded, COLLAPSED ones "
            "included, or diverged. MISSING runs are not counted."};
  const bool any_diverged =
      AnyArm(response, arms, [](const v1::Arm& arm) { return arm.diverged() > 0; });
  if (any_diverged && !Excludes(response)) {
    legend.emplace_back(
        "A DIVERGED run counts with the accuracy of always predicting the largest class.");
  }
  if (AnyArm(response, arms, LeavesOut)) {
    legend.emplace_back(
        "\"(1 out)\" marks a mean without one seed, whose run diverged and has no such value.");
  }
  return legend;
}

std::vector<std::string> DifferenceLegend(const Response& response, int arms) {
  std::vector<std::string> legend = {absl::StrCat(
      "DIFFERENCE is the mean of arm minus baseline over PAIRS of runs with equal seeds",
      IsShare(response.metric()) ? ", in percentage points." : ".")};
  const std::string methods = IntervalMethods(response, arms);
  if (!methods.empty()) {
    legend.push_back(absl::StrCat("95 % INTERVAL: ", methods,
                                  "; intervals are over seeds on one set of images."));
  }
  const std::string binomial = BinomialText(response, arms);
  if (!binomial.empty()) legend.push_back(binomial);
  legend.emplace_back(
      "P is of a two-sided sign-flip test, P (HOLM) corrected for the number of arms. P(BETTER) is "
      "the share of pairs in which the arm is better.");
  const std::string looks = LooksText(response);
  if (!looks.empty()) legend.push_back(looks);
  return legend;
}

std::vector<std::string> TimeLegend(const Response& response) {
  return {Excludes(response)
              ? "Medians are over runs that succeeded; \"-\" where fewer than half reach the "
                "threshold."
              : "Medians are over runs that succeeded or diverged. A DIVERGED run never reaches "
                "the threshold; \"-\" where fewer than half do."};
}

std::vector<std::string> Notes(const Response& response, int arms) {
  std::vector<std::string> notes(response.notes().begin(), response.notes().end());
  std::map<std::string, size_t> index;
  std::vector<std::pair<std::string, std::vector<int>>> shared;
  for (int i = 0; i < arms; ++i) {
    for (const std::string& note : response.arms(i).notes()) {
      const auto [found, is_new] = index.try_emplace(note, shared.size());
      if (is_new) shared.push_back({note, {}});
      shared[found->second].second.push_back(i);
    }
  }
  for (const auto& [note, with_note] : shared) {
    notes.push_back(
        absl::StrCat(ArmsText(response, arms, with_note), ": ", InWordsOfTheCommandLine(note)));
  }
  return notes;
}

std::vector<std::string> Explanation(const Response& response) {
  const std::string alpha = Short(response.alpha());
  std::vector<std::string> paragraphs = {
      "Counted runs: those that succeeded or diverged. COLLAPSED runs succeeded, but predict one "
      "class for all validation images after the last epoch; their values count as measured. "
      "MISSING runs have not ended, were cancelled, or failed for the machine's reasons; nothing "
      "stands in for them: retry them.",
      DivergedText(response),
      "Seeds are the unit of every statistic. Runs that are equal but for diagnostics, checkpoints "
      "and evaluation, with equal seed, data set and engine, are duplicates and count once, "
      "whichever experiments hold them. Other runs of an arm with equal seeds are averaged first.",
      "Pairs are runs of the arm and of the baseline with equal seeds, data set, split, network "
      "and "
      "number of epochs, which start from the same initial draws and see the same images in the "
      "same order. Fields that arms are grouped by (--by) may differ. Arms that cannot be paired "
      "keep their rows; a note names the field. --within FIELD pairs inside each value of FIELD "
      "and averages a seed's differences over the values that both arms have.",
      "Intervals cover the mean over seeds with 95 % confidence: Student's t below 15 values, the "
      "bias-corrected and accelerated bootstrap (BCa, Efron 1987) from 15 on, none for one. "
      "\"(degenerate)\" marks an interval of width 0: all differences are equal, which says "
      "nothing about other seeds.",
      absl::StrCat(
          "P-values are of the two-sided sign-flip test of the paired differences, which is exact "
          "up to 24 pairs. n pairs cannot give less than 2^(1 - n): where that exceeds ",
          alpha,
          ", the bound stands behind the p-value, and no result can be significant. P (HOLM) is "
          "corrected for the number of arms (Holm 1979). d_z is the mean of the differences over "
          "their standard deviation (Cohen 1988). IQM is the mean of the middle half of the seeds. "
          "P(BETTER) counts ties half."),
      "Limits: seeds vary initial draws, split and order, on one set of images. Intervals and "
      "p-values do not contain the chance in the choice of those images, whose binomial standard "
      "error stands under the table for an accuracy."};
  paragraphs.push_back(absl::StrCat(
      "Looks: a comparison, figure, report, sort order or filter that names a metric of the test "
      "split is a look at test results. The more looks, the less a test result says about new "
      "data; choose by validation metrics, and look once. Looks at these experiments so far: ",
      response.looks(), "."));
  return paragraphs;
}

void NoteExclusion(Response* response) {
  if (!Excludes(*response)) return;
  for (v1::Arm& arm : *response->mutable_arms()) arm.add_notes("diverged runs excluded");
}

}  // namespace anneal::client::render
