#include "config/loader.h"

#include <algorithm>

#include "config/contradictions.h"
#include "config/draft.h"
#include "config/files.h"
#include "config/near_miss.h"
#include "config/quoting.h"
#include "config/row_reader.h"
#include "config/schema.h"
#include "config/toml_value.h"

namespace config {

namespace {

constexpr size_t kMostFileBytes = 1 << 20;

// --- Sections and keys -----------------------------------------------------------------------

std::string Bracketed(std::string_view section) {
  std::string text = "[";
  text += OneLine(Cut(section));
  return text + "]";
}

// "[routing]", "[proxy] or [admin]": where that key would be right. "" = nowhere.
std::string SectionsWith(std::string_view key) {
  std::string sections;
  for (const Row& row : Schema()) {
    if (row.key != key) continue;
    if (!sections.empty()) sections += " or ";
    sections += Bracketed(row.section);
  }
  return sections;
}

// The keys of one section, or of all.
std::vector<std::string_view> KeysOf(std::string_view section) {
  std::vector<std::string_view> keys;
  for (const Row& row : Schema()) {
    if (section.empty() || row.section == section) keys.push_back(row.key);
  }
  return keys;
}

void ComplainOfKey(std::string_view section, const Value& member, Draft& draft) {
  std::string words = "unknown key " + Shown(member.key) +
                      (section.empty() ? " outside of any section" : " in " + Bracketed(section));
  if (const std::string right = SectionsWith(member.key); !right.empty()) {
    draft.Complain(member.key_place, words + ", it belongs to " + right);
  } else {
    draft.Complain(member.key_place, words, NearMiss(member.key, KeysOf(section)));
  }
}

void ComplainOfSection(const std::string& name, const Value& member, Draft& draft) {
  const std::vector<std::string_view> sections = SectionNames();
  std::string hint = NearMiss(name, sections);
  for (const std::string_view section : sections) {
    if (hint.empty() && section.ends_with("." + name)) hint = section;
  }
  draft.Complain(member.key_place, "unknown section " + Bracketed(name), hint);
}

void ReadTable(const std::string& section, const Value& table, Draft& draft) {
  const std::vector<std::string_view> sections = SectionNames();
  for (const Value& member : table.items) {
    const std::string name = section.empty() ? member.key : section + "." + member.key;
    // A key in quotes may have a dot of its own: ["proxy.tls"] is not [proxy.tls].
    const bool quoted_dot = member.key.find('.') != std::string::npos;
    const bool is_section = std::find(sections.begin(), sections.end(), name) != sections.end();
    const Row* row = FindRow(section, member.key);
    if (row != nullptr) {
      ReadRow(*row, member, draft);
    } else if (is_section && !quoted_dot && member.kind == Value::Kind::kTable) {
      ReadTable(name, member, draft);
    } else if (is_section && !quoted_dot) {
      draft.Complain(member.place, "expected a section " + Bracketed(name) + ", got " +
                                       std::string(KindWords(member.kind)));
    } else if (member.kind == Value::Kind::kTable) {
      ComplainOfSection(name, member, draft);
    } else {
      ComplainOfKey(section, member, draft);
    }
  }
}

void ReadText(std::string_view text, const std::string& name, Draft& draft) {
  TomlDocument document = ParseToml(text, OneLine(name));
  for (Diagnostic& complaint : document.complaints) draft.complaints.push_back(complaint);
  ReadTable("", document.root, draft);
}

void ReadFile(const std::string& path, Draft& draft) {
  const Parsed<std::string> text = ReadWholeFile(path, kMostFileBytes);
  if (text) {
    ReadText(*text, path, draft);
  } else {
    draft.Complain({OneLine(path), 0, 0}, "cannot open: " + text.words);
  }
}

// --- Flags -----------------------------------------------------------------------------------

// A flag's strings in the shape in which a file would give them.
Value ListOf(const std::string& flag, const std::vector<std::string>& texts) {
  Value list;
  list.kind = Value::Kind::kArray;
  list.place = {flag, 0, 0};
  for (const std::string& text : texts) {
    Value item;
    item.kind = Value::Kind::kString;
    item.place = list.place;
    item.text = text;
    list.items.push_back(std::move(item));
  }
  return list;
}

// Spaces around a part do not belong to it.
std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

void ApplyFlags(const Flags& flags, Draft& draft) {
  if (!flags.listen.empty()) {
    ReadRow(RowNamed("proxy.listen"), ListOf("--listen", flags.listen), draft);
  }
  if (!flags.upstream.empty()) {
    ReadRow(RowNamed("upstream.nodes"), ListOf("--upstream", SplitAtCommas(flags.upstream)), draft);
  }
}

LoadResult Finish(Draft draft) {
  ReadPasswordFiles(draft);
  CheckLogFile(draft);
  FindContradictions(draft);
  if (draft.complaints.empty()) return LoadResult(std::move(draft.loaded));
  SortByPlace(draft.complaints);
  return LoadResult(std::move(draft.complaints));
}

}  // namespace

LoadResult Load(const std::optional<std::string>& path, const Flags& flags) {
  Draft draft;
  if (path) ReadFile(*path, draft);
  ApplyFlags(flags, draft);
  return Finish(std::move(draft));
}

LoadResult LoadFile(const std::string& path) {
  return Load(path, {});
}

LoadResult LoadText(std::string_view text, const std::string& name) {
  Draft draft;
  ReadText(text, name, draft);
  return Finish(std::move(draft));
}

}  // namespace config
