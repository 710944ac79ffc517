#include "config/printer.h"

#include "config/rendering.h"
#include "config/schema.h"

namespace config {

namespace {

constexpr size_t kCommentColumn = 44;

std::string OriginWords(const Origin* origin) {
  if (origin == nullptr) return "default";
  if (origin->place.line == 0) return "flag " + origin->place.file;
  return origin->place.file + ":" + std::to_string(origin->place.line);
}

bool IsSecret(const Row& row) {
  const auto* text = std::get_if<TextKind>(&row.kind);
  return text != nullptr && text->rule == TextRule::kSecret;
}

std::string Comment(const Row& row, const Loaded& loaded) {
  const Origin* origin = loaded.origins.Find(row.Name());
  std::string words = OriginWords(origin);
  if (IsSecret(row)) {
    const std::string& secret = std::get<TextKind>(row.kind).field.read(loaded.settings);
    // Without an origin it was read from a file, which the row of that file shows.
    if (origin != nullptr && !secret.empty()) words += "; it is set, and not shown";
  }
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
    std::string line = std::string(row.key) + " = " + RenderValue(row, loaded.settings);
    if (line.size() < kCommentColumn) line.resize(kCommentColumn, ' ');
    out += line + "  # " + Comment(row, loaded) + "\n";
  }
  return out;
}

}  // namespace config
