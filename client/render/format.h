// Values as people read them. Pure.

#ifndef ANNEAL_CLIENT_RENDER_FORMAT_H_
#define ANNEAL_CLIENT_RENDER_FORMAT_H_

#include <string>

#include "anneal/v1/services.pb.h"

namespace anneal::render {

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
// mean ± deviation, as percentages or as they are; - where there is none.
std::string MeanOf(const v1::Statistic& statistic, bool percent);

}  // namespace anneal::render

#endif  // ANNEAL_CLIENT_RENDER_FORMAT_H_
