// Durations and sizes as an operator writes them: "250ms", "5s", "2m", "1h"; "512kb", "64mb",
// "1gb".
//
// A whole number and a unit, nothing between them. A bare number is refused, because 30 means
// seconds to one reader and milliseconds to the next; only "0" needs no unit. Units of durations
// are lower case; those of sizes are written either way, and are powers of 1024, as in redis.conf.
//
// Ranges are not known here. A number too large for the type gives the type's largest value, which
// is outside every range.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/parsed.h"

namespace config {

Parsed<std::chrono::milliseconds> ParseDuration(std::string_view text);
Parsed<uint64_t> ParseSize(std::string_view text);

// In the largest unit that is exact: "90s", but "2m". Zero is "0".
// REQUIRES: duration >= 0
std::string FormatDuration(std::chrono::milliseconds duration);
std::string FormatSize(uint64_t bytes);

}  // namespace config
