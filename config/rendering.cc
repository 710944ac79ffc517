#include "config/rendering.h"

#include "config/quoting.h"
#include "config/units.h"

namespace config {

namespace {

std::string TextOf(const std::string& text) {
  return Quoted(text);
}
std::string TextOf(const Address& address) {
  return Quoted(address.ToString());
}
std::string TextOf(const ListenAddress& address) {
  return Quoted(address.ToString());
}
std::string TextOf(const User& user) {
  return "{ name = " + Quoted(user.name) + ", password_file = " + Quoted(user.password_file) + " }";
}

template <typename T>
std::string ListOf(const std::vector<T>& items) {
  std::string out = "[";
  for (const T& item : items) {
    if (out.size() > 1) out += ", ";
    out += TextOf(item);
  }
  return out + "]";
}

struct ValueRenderer {
  const Settings& settings;

  std::string operator()(const BooleanKind& kind) const {
    return kind.field.read(settings) ? "true" : "false";
  }
  std::string operator()(const IntegerKind& kind) const {
    return std::to_string(kind.field.read(settings));
  }
  std::string operator()(const DurationKind& kind) const {
    return Quoted(FormatDuration(kind.field.read(settings)));
  }
  std::string operator()(const SizeKind& kind) const {
    return Quoted(FormatSize(kind.field.read(settings)));
  }
  std::string operator()(const ChoiceKind& kind) const {
    return Quoted(kind.words[kind.get(settings)]);
  }
  std::string operator()(const TextKind& kind) const {
    return kind.rule == TextRule::kSecret ? Quoted("") : Quoted(kind.field.read(settings));
  }
  std::string operator()(const OptionalAddressKind& kind) const {
    return Quoted(kind.field.read(settings));
  }
  // The kinds that are lists.
  template <typename Kind>
  std::string operator()(const Kind& kind) const {
    return ListOf(kind.field.read(settings));
  }
};

struct RangeRenderer {
  std::string operator()(const BooleanKind&) const { return "true or false"; }
  std::string operator()(const IntegerKind& kind) const {
    return std::to_string(kind.min) + " to " + std::to_string(kind.max);
  }
  std::string operator()(const DurationKind& kind) const {
    const std::string range =
        Quoted(FormatDuration(kind.min)) + " to " + Quoted(FormatDuration(kind.max));
    return kind.zero.empty() ? range : range + ", or \"0\" (" + std::string(kind.zero) + ")";
  }
  std::string operator()(const SizeKind& kind) const {
    return Quoted(FormatSize(kind.min)) + " to " + Quoted(FormatSize(kind.max));
  }
  std::string operator()(const ChoiceKind& kind) const {
    std::string range;
    for (size_t i = 0; i < kind.words.size(); ++i) {
      if (i > 0) range += i + 1 < kind.words.size() ? ", " : " or ";
      range += Quoted(kind.words[i]);
    }
    return range;
  }
  template <typename Kind>
  std::string operator()(const Kind&) const {
    return "";
  }
};

}  // namespace

std::string RenderValue(const Row& row, const Settings& settings) {
  return std::visit(ValueRenderer{settings}, row.kind);
}

bool IsDefault(const Row& row, const Settings& settings) {
  return RenderValue(row, settings) == RenderValue(row, Settings());
}

std::string RenderRange(const Row& row) {
  return std::visit(RangeRenderer(), row.kind);
}

}  // namespace config
