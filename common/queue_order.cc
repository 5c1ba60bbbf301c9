#include "common/queue_order.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace anneal {
namespace {

UserStanding StandingOf(const Standings& users, const std::string& user) {
  const auto found = users.find(user);
  return found == users.end() ? UserStanding() : found->second;
}

// Orders the turns of users within a priority: the user with fewer running and starting runs first.
using Turn = std::tuple<int64_t, int64_t, std::string>;

Turn TurnOf(const Standings& users, const std::string& user, int64_t rank) {
  const UserStanding standing = StandingOf(users, user);
  return {standing.running + rank, standing.last_start, user};
}

}  // namespace

std::vector<PendingRun> QueueOrder(QueueSnapshot snapshot) {
  std::sort(snapshot.pending.begin(), snapshot.pending.end(),
            [](const PendingRun& a, const PendingRun& b) { return a.key < b.key; });
  std::map<std::pair<int32_t, std::string>, int64_t> ranks;
  using Place = std::tuple<int64_t, Turn, int64_t>;  // of the priority, the turn, the submission
  std::vector<std::pair<Place, PendingRun*>> places;
  for (PendingRun& run : snapshot.pending) {
    const int64_t rank = ranks[{run.priority, run.user}]++;
    places.push_back(
        {{-int64_t{run.priority}, TurnOf(snapshot.users, run.user, rank), run.key}, &run});
  }
  std::sort(places.begin(), places.end());
  std::vector<PendingRun> ordered;
  ordered.reserve(places.size());
  for (auto& [place, run] : places) ordered.push_back(std::move(*run));
  return ordered;
}

int64_t RunsBefore(const std::string& user, int64_t rank,
                   const std::map<std::string, int64_t>& pending, const Standings& users) {
  int64_t before = rank;
  const Turn own = TurnOf(users, user, rank);
  const int64_t level = std::get<0>(own);
  for (const auto& [other, count] : pending) {
    if (other == user) continue;
    const Turn first = TurnOf(users, other, 0);
    const Turn on_level = {level, std::get<1>(first), other};
    // The other user has one turn at each lower level, and one at this level if first there.
    const int64_t turns = level - std::get<0>(first) + (on_level < own ? 1 : 0);
    before += std::clamp<int64_t>(turns, 0, count);
  }
  return before;
}

}  // namespace anneal
