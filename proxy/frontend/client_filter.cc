#include "proxy/frontend/client_filter.h"

#include <algorithm>
#include <utility>

#include "proxy/resp/command_table.h"
#include "proxy/resp/number.h"

namespace frontend {
namespace {

using Field = ClientFilter::Field;
using resp::EqualsWord;

struct Row {
  std::string_view name;
  Field field;
};

constexpr Row kRows[] = {
    {"ID", Field::kId},          {"TYPE", Field::kType},
    {"USER", Field::kUser},      {"ADDR", Field::kAddr},
    {"LADDR", Field::kLaddr},    {"MAXAGE", Field::kMaxAge},
    {"NAME", Field::kName},      {"IDLE", Field::kIdle},
    {"FLAGS", Field::kFlags},    {"LIB-NAME", Field::kLibName},
    {"LIB-VER", Field::kLibVer}, {"DB", Field::kDb},
    {"CAPA", Field::kCapa},      {"IP", Field::kIp},
};

bool IsNumber(Field field) {
  return field == Field::kMaxAge || field == Field::kIdle || field == Field::kDb;
}

bool IsLink(std::string_view type) {
  return EqualsWord(type, "MASTER") || EqualsWord(type, "PRIMARY") || EqualsWord(type, "REPLICA") ||
         EqualsWord(type, "SLAVE");
}

bool HasAll(std::string_view letters, std::string_view wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](char c) { return letters.find(c) != std::string_view::npos; });
}

}  // namespace

ClientFilter ClientFilter::OfAddr(std::string_view addr) {
  ClientFilter filter;
  filter.Add({Field::kAddr, false, std::string(addr), {}});
  return filter;
}

std::optional<ClientFilter> ClientFilter::Parse(const std::vector<std::string_view>& words,
                                                bool* knows_words) {
  ClientFilter filter;
  for (size_t i = 0; i < words.size();) {
    std::string_view name = words[i++];
    if (EqualsWord(name, "SKIPME")) {
      if (i == words.size()) return std::nullopt;
      const bool yes = EqualsWord(words[i], "YES");
      if (!yes && !EqualsWord(words[i], "NO")) return std::nullopt;
      filter.skip_asker_ = yes;
      ++i;
      continue;
    }
    Condition condition;
    condition.negated = name.size() > 4 && EqualsWord(name.substr(0, 4), "NOT-");
    if (condition.negated) name.remove_prefix(4);
    const auto row = std::find_if(std::begin(kRows), std::end(kRows),
                                  [&](const Row& r) { return EqualsWord(name, r.name); });
    if (row == std::end(kRows)) {
      if (knows_words != nullptr) *knows_words = false;
      return std::nullopt;
    }
    if (i == words.size()) return std::nullopt;
    condition.field = row->field;
    if (row->field == Field::kId) {
      for (; i < words.size(); ++i) {
        const auto id = resp::ParseNumber(words[i]);
        if (!id) break;
        condition.numbers.push_back(*id);
      }
      if (condition.numbers.empty()) return std::nullopt;
    } else if (IsNumber(row->field)) {
      const auto number = resp::ParseNumber(words[i++]);
      if (!number) return std::nullopt;
      condition.numbers.push_back(*number);
    } else {
      condition.text = words[i++];
      if (row->field == Field::kType) {
        if (IsLink(condition.text)) {
          filter.about_links_ = filter.about_links_ || !condition.negated;
        } else if (!EqualsWord(condition.text, "NORMAL") && !EqualsWord(condition.text, "PUBSUB")) {
          return std::nullopt;
        }
      }
    }
    filter.Add(std::move(condition));
  }
  return filter;
}

// Of two of the same kind the last one counts.
void ClientFilter::Add(Condition condition) {
  std::erase_if(conditions_, [&](const Condition& other) {
    return other.field == condition.field && other.negated == condition.negated;
  });
  conditions_.push_back(std::move(condition));
}

const std::vector<int64_t>* ClientFilter::ids_alone() const {
  const bool alone = conditions_.size() == 1 && conditions_[0].field == Field::kId &&
                     !conditions_[0].negated && !skip_asker_;
  return alone ? &conditions_[0].numbers : nullptr;
}

bool ClientFilter::Holds(const Condition& condition, const ClientFacts& facts) {
  const std::string& text = condition.text;
  const auto at_least = [&](uint64_t seconds) {
    return static_cast<int64_t>(seconds) >= condition.numbers.front();
  };
  switch (condition.field) {
    case Field::kId:
      return std::find(condition.numbers.begin(), condition.numbers.end(),
                       static_cast<int64_t>(facts.id)) != condition.numbers.end();
    case Field::kType:
      if (HasAll(facts.flags, "S")) return EqualsWord(text, "REPLICA") || EqualsWord(text, "SLAVE");
      return EqualsWord(text, HasAll(facts.flags, "P") ? "PUBSUB" : "NORMAL");
    case Field::kUser:
      return text == facts.user;
    case Field::kAddr:
      return text == facts.addr;
    case Field::kLaddr:
      return text == facts.laddr;
    case Field::kMaxAge:
      return at_least(facts.age_s);
    case Field::kName:
      return text == facts.name;
    case Field::kIdle:
      return at_least(facts.idle_s);
    case Field::kFlags:
      return HasAll(facts.flags, text);
    case Field::kLibName:
      return text == facts.lib_name;
    case Field::kLibVer:
      return text == facts.lib_ver;
    case Field::kDb:
      return condition.numbers.front() == facts.db;
    case Field::kCapa:
      return HasAll(facts.capa, text);
    case Field::kIp:
      return text == facts.addr.substr(0, facts.addr.rfind(':'));
  }
  return false;
}

bool ClientFilter::Matches(const ClientFacts& facts, uint64_t asker, bool skip_asker) const {
  if (facts.id == asker && skip_asker_.value_or(skip_asker)) return false;
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    return Holds(condition, facts) != condition.negated;
  });
}

}  // namespace frontend
