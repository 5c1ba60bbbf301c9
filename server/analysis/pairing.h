// `CompareTwo` pairs two arms by seed and compares them; `UnpairedFields` says what keeps two arms
// from being paired.

#ifndef ANNEAL_SERVER_ANALYSIS_PAIRING_H_
#define ANNEAL_SERVER_ANALYSIS_PAIRING_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "anneal/v1/services.pb.h"
#include "server/analysis/members.h"

namespace anneal::analysis {

// What must agree for runs with equal seeds to be a pair.
struct PairingFields {
  // Of the config: the fields of data set and split, network, and number of epochs.
  v1::TrainingConfig config;
  std::string dataset_sha256;
};
PairingFields PairingFieldsOf(const v1::TrainingConfig& config, const std::string& dataset_sha256);
// Returns a text that is equal for equal fields.
std::string PairingText(const PairingFields& fields);

// Returns the fields in which the members of a set differ, with the values of each; without the
// fields `exempt`. Empty: all can be paired.
std::map<std::string, std::set<std::string>> DifferingFields(
    const std::vector<const PairingFields*>& fields, const std::set<std::string>& exempt);

struct PairedComparison {
  v1::Comparison comparison;
  // Number of pairs whose two sides are averages over different numbers of runs.
  int uneven = 0;
};
// The sides of a pair are equal if they differ by rounding alone.
// Returns the paired comparison of an arm with the baseline; nothing if they have no seed in
// common. Seeds are paired inside of each stratum that both have.
std::optional<PairedComparison> CompareTwo(const SeedValues& arm, const SeedValues& baseline,
                                           bool higher_is_better);

}  // namespace anneal::analysis

#endif  // ANNEAL_SERVER_ANALYSIS_PAIRING_H_
