// The table of all keys: one row says everything about a key that is not its default.
//
// Loader and printer walk these rows, and tests hold the example file and the README to them, so
// nothing is listed twice. A row binds a key to its field in settings.h, and gives its kind, its
// range, whether a reload takes it over, and whether this version can do it at all.
//
// A binding is a pair of functions made from the field's member pointer; that the kind fits the
// field's type is checked by the compiler. Defaults are not here: they are what a fresh Settings
// holds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace config {

// Where a field lies in a Settings.
template <typename T>
struct Field {
  using Type = T;
  T& (*edit)(Settings&);
  const T& (*read)(const Settings&);
};

struct BooleanKind {
  Field<bool> field;
};

struct IntegerKind {
  Field<uint32_t> field;
  uint32_t min;
  uint32_t max;
};

// A string with a unit. `zero` says what "0" means, such as "never"; "" = zero is out of range.
struct DurationKind {
  Field<milliseconds> field;
  milliseconds min;
  milliseconds max;
  std::string_view zero;
};

struct SizeKind {
  Field<uint64_t> field;
  uint64_t min;
  uint64_t max;
};

// One of some words; a word's place among them is the value of its enumerator.
struct ChoiceKind {
  std::span<const std::string_view> words;
  void (*set)(Settings&, size_t);
  size_t (*get)(const Settings&);
};

enum class TextRule {
  kAny,
  kNotEmpty,
  kSecret,  // never printed
};
struct TextKind {
  Field<std::string> field;
  TextRule rule;
};

// "host:port", or "" for off.
struct OptionalAddressKind {
  Field<std::string> field;
  uint16_t usual_port;  // for hints
};

// A list of strings that are not looked into.
struct TextsKind {
  Field<std::vector<std::string>> field;
};

// A list of SHA1 digests.
struct DigestsKind {
  Field<std::vector<std::string>> field;
};

struct AddressesKind {
  Field<std::vector<Address>> field;
  uint16_t usual_port;  // for hints
};

struct ListenKind {
  Field<std::vector<ListenAddress>> field;
  uint16_t usual_port;  // for hints
};

struct UsersKind {
  Field<std::vector<User>> field;
};

using Kind =
    std::variant<BooleanKind, IntegerKind, DurationKind, SizeKind, ChoiceKind, TextKind,
                 OptionalAddressKind, TextsKind, DigestsKind, AddressesKind, ListenKind, UsersKind>;

enum class Change { kLive, kRestart };

// In Row::not_yet: only the default works, or an empty value.
inline constexpr std::string_view kNotYet = "*";

struct Row {
  std::string_view section;  // "proxy.tls" for [proxy.tls]
  std::string_view key;
  Kind kind;
  Change change;
  // What a later version brings: "" = all of it is here; kNotYet; else the one value (or, of an
  // address, the beginning) that is still missing.
  std::string_view not_yet{};

  // "section.key"
  std::string Name() const;
};

// In the order in which they are printed; rows of a section stand together.
std::span<const Row> Schema();

// Null where there is no such key.
const Row* FindRow(std::string_view section, std::string_view key);

// REQUIRES: the row exists; name is "section.key"
const Row& RowNamed(std::string_view name);

// The sections, in the order of their first rows.
std::vector<std::string_view> SectionNames();

}  // namespace config
