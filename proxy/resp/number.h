// The one way RESP writes a number: decimal digits, an optional minus, no plus, no blank, no
// leading zero. Redis refuses everything else, and so do we: on a shared connection a length that
// we read in another way than the server does would hand one client's bytes to another.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace resp {

// Returns nullopt if `text` is not just such a number, or does not fit.
inline std::optional<int64_t> ParseNumber(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::string_view digits = text.front() == '-' ? text.substr(1) : text;
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
  if (digits.front() == '0' && text.size() > 1) return std::nullopt;  // "01", "-0"
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace resp
