// Evaluates functions of common/stats for stats_test.py. Each line of the standard input is a JSON
// object, such as {"function": "Median", "values": [1, "inf"]}; each line of the standard output is
// the result. Infinities are strings; no value is null.

#include <cmath>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/stats/classification.h"
#include "common/stats/comparison.h"
#include "common/stats/statistics.h"
#include "nlohmann/json.hpp"

namespace anneal {
namespace {

using Json = nlohmann::json;

double ToNumber(const Json& json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

std::vector<double> ToNumbers(const Json& json) {
  std::vector<double> numbers;
  for (const Json& number : json) numbers.push_back(ToNumber(number));
  return numbers;
}

Json FromNumber(double number) {
  return std::isfinite(number) ? Json(number) : Json(std::to_string(number));
}

Json FromNumber(std::optional<double> number) {
  return number.has_value() ? FromNumber(*number) : Json();
}

Json FromInterval(const std::optional<stats::Interval>& interval) {
  if (!interval.has_value()) return {};
  return {{"low", FromNumber(interval->low)},
          {"high", FromNumber(interval->high)},
          {"method", interval->method == stats::Interval::Method::kT ? "t" : "BCa"},
          {"degenerate", interval->degenerate}};
}

Json FromScores(const stats::Scores& scores) {
  return {scores.accuracy, scores.precision, scores.recall, scores.f1};
}

using Function = Json (*)(const Json& arguments);

const std::map<std::string, Function>& Functions() {
  static const auto* const functions = new std::map<std::string, Function>{
      {"BinomialStandardError",
       [](const Json& arguments) -> Json {
         return stats::BinomialStandardError(arguments["share"], arguments["images"]);
       }},
      {"EffectSize",
       [](const Json& arguments) {
         return FromNumber(stats::EffectSize(ToNumbers(arguments["values"])));
       }},
      {"HolmCorrection",
       [](const Json& arguments) -> Json {
         return stats::HolmCorrection(ToNumbers(arguments["values"]));
       }},
      {"InterquartileMean",
       [](const Json& arguments) {
         return FromNumber(stats::InterquartileMean(ToNumbers(arguments["values"])));
       }},
      {"LargestClassScores",
       [](const Json& arguments) {
         return FromScores(
             stats::LargestClassScores(arguments["values"].get<std::vector<int64_t>>()));
       }},
      {"LogLossArea",
       [](const Json& arguments) {
         return FromNumber(stats::LogLossArea(ToNumbers(arguments["values"])));
       }},
      {"MeanInterval",
       [](const Json& arguments) {
         return FromInterval(stats::MeanInterval(ToNumbers(arguments["values"])));
       }},
      {"Median",
       [](const Json& arguments) {
         return FromNumber(stats::Median(ToNumbers(arguments["values"])));
       }},
      {"MedianTime",
       [](const Json& arguments) {
         return FromNumber(stats::MedianTime(ToNumbers(arguments["values"])));
       }},
      {"ProbabilityOfImprovement",
       [](const Json& arguments) -> Json {
         return stats::ProbabilityOfImprovement(ToNumbers(arguments["values"]),
                                                ToNumbers(arguments["baseline"]),
                                                arguments["higher_is_better"]);
       }},
      {"Quantile",
       [](const Json& arguments) {
         return FromNumber(stats::Quantile(ToNumbers(arguments["values"]), arguments["q"]));
       }},
      {"SignFlipPValue",
       [](const Json& arguments) -> Json {
         return stats::SignFlipPValue(ToNumbers(arguments["values"]));
       }},
      {"SmallestSignFlipPValue",
       [](const Json& arguments) -> Json { return stats::SmallestSignFlipPValue(arguments["n"]); }},
      {"StandardDeviation",
       [](const Json& arguments) {
         return FromNumber(stats::StandardDeviation(ToNumbers(arguments["values"])));
       }},
  };
  return *functions;
}

}  // namespace
}  // namespace anneal

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const anneal::Json arguments = anneal::Json::parse(line);
    std::cout << anneal::Functions().at(arguments["function"])(arguments) << std::endl;
  }
}
