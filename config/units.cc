#include "config/units.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "config/ascii.h"
#include "config/quoting.h"

namespace config {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Largest first: the printer takes the first that divides.
constexpr Unit kTimeUnits[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit kSizeUnits[] = {
    {"gb", 1ull << 30}, {"mb", 1ull << 20}, {"kb", 1ull << 10}, {"b", 1}};

// What makes a duration different from a size.
struct Measure {
  std::span<const Unit> units;
  bool any_case;
  std::string_view noun;
  std::string_view unit_list;
  std::string_view example;
};

constexpr Measure kDurations = {kTimeUnits, false, "a duration", "ms, s, m or h", "250ms"};
constexpr Measure kSizes = {kSizeUnits, true, "a size", "b, kb, mb or gb", "64mb"};

// The unit a wrong one was probably meant to be: spelt out ("sec", "MiB"), or in the wrong case.
std::string_view MeantUnit(const Measure& measure, std::string_view unit) {
  const std::string lower = LowerCase(unit);
  for (const Unit& known : measure.units) {
    if (lower == known.name) return known.name;
  }
  static constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
      {"msec", "ms"}, {"millis", "ms"}, {"milliseconds", "ms"}, {"sec", "s"},
      {"secs", "s"},  {"second", "s"},  {"seconds", "s"},       {"min", "m"},
      {"mins", "m"},  {"minute", "m"},  {"minutes", "m"},       {"hour", "h"},
      {"hours", "h"}, {"k", "kb"},      {"kib", "kb"},          {"m", "mb"},
      {"mib", "mb"},  {"g", "gb"},      {"gib", "gb"},          {"bytes", "b"}};
  for (const auto& [other, name] : kOthers) {
    if (lower != other) continue;
    for (const Unit& known : measure.units) {
      if (known.name == name) return known.name;
    }
  }
  return "";
}

Parsed<uint64_t> Parse(const Measure& measure, std::string_view text) {
  using Result = Parsed<uint64_t>;
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  size_t digits = 0;
  uint64_t number = 0;
  for (; digits < text.size() && IsDigit(text[digits]); ++digits) {
    const uint64_t digit = static_cast<uint64_t>(text[digits] - '0');
    number = number > (kMost - digit) / 10 ? kMost : number * 10 + digit;
  }
  const std::string_view unit = text.substr(digits);
  const bool letters = std::all_of(unit.begin(), unit.end(), IsLetter);
  if (digits == 0 || !letters) {
    return Result::Wrong("expected " + std::string(measure.noun) + " such as " +
                         Quoted(measure.example) + ", got " + Shown(text));
  }
  if (unit.empty()) {
    if (number == 0) return Result::Ok(0);
    return Result::Wrong(std::string(measure.noun) + " needs a unit (" +
                         std::string(measure.unit_list) + "), got " + Shown(text));
  }
  const std::string name = measure.any_case ? LowerCase(unit) : std::string(unit);
  for (const Unit& known : measure.units) {
    if (name != known.name) continue;
    return Result::Ok(number > kMost / known.factor ? kMost : number * known.factor);
  }
  const std::string_view meant = MeantUnit(measure, unit);
  std::string hint;
  if (!meant.empty()) hint = std::string(text.substr(0, digits)) + std::string(meant);
  return Result::Wrong(std::string(measure.noun) + " has one of the units " +
                           std::string(measure.unit_list) + ", got " + Shown(text),
                       hint);
}

std::string Format(std::span<const Unit> units, uint64_t number) {
  if (number == 0) return "0";
  for (const Unit& unit : units) {
    if (number % unit.factor == 0) {
      return std::to_string(number / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(number);  // not reached: the last unit is 1
}

}  // namespace

Parsed<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  using Result = Parsed<std::chrono::milliseconds>;
  Parsed<uint64_t> parsed = Parse(kDurations, text);
  if (!parsed) return Result::Wrong(parsed.words, parsed.hint);
  constexpr std::chrono::milliseconds kMost = std::chrono::milliseconds::max();
  if (*parsed > static_cast<uint64_t>(kMost.count())) return Result::Ok(kMost);
  return Result::Ok(std::chrono::milliseconds(*parsed));
}

Parsed<uint64_t> ParseSize(std::string_view text) {
  return Parse(kSizes, text);
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  return Format(kTimeUnits, static_cast<uint64_t>(duration.count()));
}

std::string FormatSize(uint64_t bytes) {
  return Format(kSizeUnits, bytes);
}

}  // namespace config
