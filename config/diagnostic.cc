#include "config/diagnostic.h"

#include <algorithm>
#include <tuple>

#include "config/quoting.h"

namespace config {

std::string Place::ToString() const {
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Diagnostic::ToString() const {
  std::string text = place.ToString() + ": " + words;
  if (!hint.empty()) text += "; did you mean " + Quoted(hint) + "?";
  return text;
}

void SortByPlace(Diagnostics& complaints) {
  const auto rank = [](const Diagnostic& d) {
    return std::tuple(d.place.line == 0, d.place.line, d.place.column);
  };
  std::stable_sort(complaints.begin(), complaints.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return rank(a) < rank(b); });
}

}  // namespace config
