#include "config/printer.h"

#include "config/rendering.h"
#include "config/schema.h"

namespace config {

namespace {

constexpr size_t kCommentColumn = 44;
// In the place of a secret. A value like any other, so that what is printed passes a check; the
// nodes refuse it until somebody writes the secret there.
constexpr std::string_view kMask = "\"***\"";

std::string OriginWords(const Origin* origin) {
  if (origin == nullptr) return "default";
  if (origin->place.line == 0) return "flag " + origin->place.file;
  return origin->place.file + ":" + std::to_string(origin->place.line);
}

bool IsSecret(const Row& row) {
  const auto* text = std::get_if<TextKind>(&row.kind);
  return text != nullptr && text->rule == TextRule::kSecret;
}

// The one secret is the nodes' password. From a file of its own it is not ours to hide: the row of
// that file shows where it is.
bool IsHidden(const Row& row, const Loaded& loaded) {
  return IsSecret(row) && loaded.settings.upstream.password_file.empty() &&
         !std::get<TextKind>(row.kind).field.read(loaded.settings).empty();
}

std::string Comment(const Row& row, const Loaded& loaded) {
  std::string words = OriginWords(loaded.origins.Find(row.Name()));
  if (IsHidden(row, loaded)) words += "; it is set, and not shown";
  if (row.not_yet == kNotYet) words += "; not yet supported, of no effect";
  return words;
}

}  // namespace

std::string PrintConfig(const Loaded& loaded) {
  std::string out = "# The configuration in force. Behind each value: where it came from.\n";
  std::string_view section;
  for (const Row& row : Schema()) {
    if (row.section != section) {
      section = row.section;
      out += "\n[" + std::string(section) + "]\n";
    }
    const std::string value =
        IsHidden(row, loaded) ? std::string(kMask) : RenderValue(row, loaded.settings);
    std::string line = std::string(row.key) + " = " + value;
    if (line.size() < kCommentColumn) line.resize(kCommentColumn, ' ');
    out += line + "  # " + Comment(row, loaded) + "\n";
  }
  return out;
}

}  // namespace config
