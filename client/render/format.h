// Values as people read them. Pure.

#ifndef ANNEAL_CLIENT_RENDER_FORMAT_H_
#define ANNEAL_CLIENT_RENDER_FORMAT_H_

#include <string>

#include "absl/time/time.h"
#include "anneal/v1/services.pb.h"

namespace anneal::client::render {

// A share as a percentage with two decimals, without the sign: 98.73.
std::string Percent(double share);
// Four significant digits.
std::string Short(double value);
// All the digits that it takes to read the same bits back.
std::string Exact(double value);
std::string Exact(float value);
// 42s, 3m07s, 2h05m.
std::string Duration(double seconds);
// UTC, such as 2026-11-23 06:37.
std::string Time(const google::protobuf::Timestamp& time);
// How long before `now`, in one unit: 42s ago, 3m ago, 2h ago, 5d ago; from 60 days on, the day.
std::string Ago(const google::protobuf::Timestamp& time, absl::Time now);
// How long after `now`: in 42s, in 3m07s; now, if that is over.
std::string In(const google::protobuf::Timestamp& time, absl::Time now);
// mean ± deviation, as percentages or as they are; - where there is none.
std::string MeanOf(const v1::Statistic& statistic, bool percent);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_FORMAT_H_
