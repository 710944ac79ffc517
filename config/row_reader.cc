#include "config/row_reader.h"

#include <algorithm>
#include <string>

#include "config/address.h"
#include "config/ascii.h"
#include "config/near_miss.h"
#include "config/quoting.h"
#include "config/rendering.h"
#include "config/units.h"

namespace config {

namespace {

constexpr size_t kDigestDigits = 40;
constexpr std::string_view kUserKeys[] = {"name", "password_file"};

std::string TextOf(const std::string& text) {
  return text;
}
std::string TextOf(const Address& address) {
  return address.ToString();
}
std::string TextOf(const ListenAddress& address) {
  return address.ToString();
}

bool HasZeroByte(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Parsed<std::string> ParseDigest(std::string_view text) {
  const bool hex = std::all_of(text.begin(), text.end(), [](char c) {
    return IsDigit(c) || (ToLower(c) >= 'a' && ToLower(c) <= 'f');
  });
  if (hex && text.size() == kDigestDigits) return Parsed<std::string>::Ok(LowerCase(text));
  return Parsed<std::string>::Wrong("expected a SHA1 digest of 40 hex digits, got " + Shown(text));
}

Parsed<std::string> ParseText(std::string_view text) {
  if (text.empty()) return Parsed<std::string>::Wrong("an element may not be empty");
  if (HasZeroByte(text)) return Parsed<std::string>::Wrong("has a zero byte in it");
  return Parsed<std::string>::Ok(std::string(text));
}

// One use for one value. Each Read() gives whether the field was set.
class RowReader {
 public:
  RowReader(const Row& row, const Value& value, Draft& draft)
      : row_(row), value_(value), draft_(draft), origin_{value.place, {}} {}

  void Run() {
    const bool set = std::visit([this](const auto& kind) { return Read(kind); }, row_.kind);
    if (!set) {
      draft_.broken.insert(row_.Name());
      return;
    }
    draft_.broken.erase(row_.Name());
    draft_.loaded.origins.Set(row_.Name(), std::move(origin_));
    RefuseNotYet();
  }

 private:
  Settings& settings() { return draft_.loaded.settings; }

  bool Complain(const Place& place, const std::string& words, const std::string& hint = "") {
    draft_.Complain(place, place.line == 0 ? words : row_.Name() + ": " + words, hint);
    return false;
  }

  bool Expect(const Value& value, Value::Kind kind, const std::string& words,
              const std::string& hint = "") {
    if (value.kind == kind) return true;
    return Complain(value.place,
                    "expected " + words + ", got " + std::string(KindWords(value.kind)), hint);
  }

  bool OutOfRange(const std::string& shown) {
    return Complain(value_.place, shown + " is out of range, " + RenderRange(row_));
  }

  bool Read(const BooleanKind& kind) {
    if (!Expect(value_, Value::Kind::kBoolean, "true or false")) return false;
    kind.field.edit(settings()) = value_.boolean;
    return true;
  }

  bool Read(const IntegerKind& kind) {
    if (!Expect(value_, Value::Kind::kInteger, "an integer")) return false;
    if (value_.integer < int64_t{kind.min} || value_.integer > int64_t{kind.max}) {
      return OutOfRange(std::to_string(value_.integer));
    }
    kind.field.edit(settings()) = static_cast<uint32_t>(value_.integer);
    return true;
  }

  bool Read(const DurationKind& kind) {
    const bool zero = !kind.zero.empty();
    const bool bare_zero = zero && value_.kind == Value::Kind::kInteger && value_.integer == 0;
    if (!Expect(value_, Value::Kind::kString, "a duration such as \"250ms\"",
                bare_zero ? "0" : "")) {
      return false;
    }
    const auto parsed = ParseDuration(value_.text);
    if (!parsed) return Complain(value_.place, parsed.words, parsed.hint);
    const bool in_range = *parsed >= kind.min && *parsed <= kind.max;
    if (!in_range && !(zero && *parsed == milliseconds(0))) return OutOfRange(Shown(value_.text));
    kind.field.edit(settings()) = *parsed;
    return true;
  }

  bool Read(const SizeKind& kind) {
    if (!Expect(value_, Value::Kind::kString, "a size such as \"64mb\"")) return false;
    const auto parsed = ParseSize(value_.text);
    if (!parsed) return Complain(value_.place, parsed.words, parsed.hint);
    if (*parsed < kind.min || *parsed > kind.max) return OutOfRange(Shown(value_.text));
    kind.field.edit(settings()) = *parsed;
    return true;
  }

  bool Read(const ChoiceKind& kind) {
    const std::string words = RenderRange(row_);
    if (!Expect(value_, Value::Kind::kString, words)) return false;
    const auto found = std::find(kind.words.begin(), kind.words.end(), value_.text);
    if (found == kind.words.end()) {
      return Complain(value_.place, "expected " + words + ", got " + Shown(value_.text),
                      NearMiss(value_.text, kind.words));
    }
    kind.set(settings(), static_cast<size_t>(found - kind.words.begin()));
    RefuseNotYet(value_.place, value_.text);
    return true;
  }

  bool Read(const TextKind& kind) {
    if (!Expect(value_, Value::Kind::kString, "a string")) return false;
    if (HasZeroByte(value_.text)) return Complain(value_.place, "has a zero byte in it");
    if (kind.rule == TextRule::kNotEmpty && value_.text.empty()) {
      return Complain(value_.place, "may not be empty");
    }
    kind.field.edit(settings()) = value_.text;
    return true;
  }

  bool Read(const OptionalAddressKind& kind) {
    if (!Expect(value_, Value::Kind::kString, "an address or \"\"")) return false;
    if (!value_.text.empty()) {
      const auto parsed = ParseAddress(value_.text, kind.usual_port);
      if (!parsed) return Complain(value_.place, parsed.words, parsed.hint);
    }
    kind.field.edit(settings()) = value_.text;
    return true;
  }

  bool Read(const TextsKind& kind) {
    return ReadList(kind.field, "a list of strings", "a string", ParseText);
  }

  bool Read(const DigestsKind& kind) {
    return ReadList(kind.field, "a list of SHA1 digests", "a SHA1 digest", ParseDigest);
  }

  bool Read(const AddressesKind& kind) {
    const std::string example = Example(kind.usual_port);
    return ReadList(kind.field, "a list of addresses such as [" + example + "]",
                    "an address such as " + example,
                    [&](std::string_view text) { return ParseAddress(text, kind.usual_port); });
  }

  bool Read(const ListenKind& kind) {
    const std::string example = Example(kind.usual_port);
    return ReadList(kind.field, "a list of addresses such as [" + example + "]",
                    "an address such as " + example, [&](std::string_view text) {
                      return ParseListenAddress(text, kind.usual_port);
                    });
  }

  bool Read(const UsersKind& kind) {
    if (!Expect(value_, Value::Kind::kArray, "a list of { name, password_file }")) return false;
    std::vector<User> users;
    bool good = true;
    for (const Value& item : value_.items) {
      User user;
      if (!ReadUser(item, user)) {
        good = false;
        continue;
      }
      const auto same = [&](const User& other) { return other.name == user.name; };
      if (std::any_of(users.begin(), users.end(), same)) {
        good = Complain(item.Find("name")->place, "user " + Shown(user.name) + " is listed twice");
      }
      origin_.items.push_back(item.Find("password_file")->place);
      users.push_back(std::move(user));
    }
    if (good) kind.field.edit(settings()) = std::move(users);
    return good;
  }

  bool ReadUser(const Value& item, User& user) {
    if (!Expect(item, Value::Kind::kTable, "{ name, password_file }")) return false;
    bool good = true;
    for (const Value& member : item.items) {
      if (std::find(std::begin(kUserKeys), std::end(kUserKeys), member.key) ==
          std::end(kUserKeys)) {
        good = Complain(member.key_place, "unknown key " + Shown(member.key) + " in a user",
                        NearMiss(member.key, kUserKeys));
      }
    }
    const bool has_name = ReadUserText(item, "name", user.name);
    const bool has_file = ReadUserText(item, "password_file", user.password_file);
    return good && has_name && has_file;
  }

  bool ReadUserText(const Value& item, std::string_view key, std::string& text) {
    const Value* member = item.Find(key);
    const std::string name(key);
    if (member == nullptr) return Complain(item.place, "a user needs a " + name);
    if (!Expect(*member, Value::Kind::kString, "a string for " + name)) return false;
    if (member->text.empty()) return Complain(member->place, "a user's " + name + " is empty");
    if (HasZeroByte(member->text)) {
      return Complain(member->place, "a user's " + name + " has a zero byte in it");
    }
    text = member->text;
    return true;
  }

  // Lists of strings: `parse` makes an element of a text.
  template <typename T, typename Parse>
  bool ReadList(const Field<std::vector<T>>& field, const std::string& list_words,
                const std::string& item_words, Parse parse) {
    if (!Expect(value_, Value::Kind::kArray, list_words)) return false;
    std::vector<T> list;
    bool good = true;
    for (const Value& item : value_.items) {
      if (!Expect(item, Value::Kind::kString, item_words)) {
        good = false;
        continue;
      }
      Parsed<T> parsed = parse(item.text);
      if (!parsed) {
        good = Complain(item.place, parsed.words, parsed.hint);
      } else if (std::find(list.begin(), list.end(), *parsed) != list.end()) {
        good = Complain(item.place, Shown(TextOf(*parsed)) + " is listed twice");
      } else {
        RefuseNotYet(item.place, TextOf(*parsed));
        origin_.items.push_back(item.place);
        list.push_back(std::move(*parsed.value));
      }
    }
    if (good) field.edit(settings()) = std::move(list);
    return good;
  }

  static std::string Example(uint16_t usual_port) {
    return Quoted(Address{"127.0.0.1", usual_port}.ToString());
  }

  // For keys of which single values are not yet supported.
  void RefuseNotYet(const Place& place, std::string_view text) {
    if (row_.not_yet.empty() || row_.not_yet == kNotYet) return;
    if (text.starts_with(row_.not_yet)) Complain(place, Shown(text) + " is not yet supported");
  }

  // For keys that are not yet supported as a whole. Empty is "off", and off works.
  void RefuseNotYet() {
    if (row_.not_yet != kNotYet || IsDefault(row_, settings())) return;
    const bool empty_text = value_.kind == Value::Kind::kString && value_.text.empty();
    const bool empty_list = value_.kind == Value::Kind::kArray && value_.items.empty();
    if (empty_text || empty_list) return;
    Complain(value_.place, "a value other than the default (" + RenderValue(row_, Settings()) +
                               ") is not yet supported");
  }

  const Row& row_;
  const Value& value_;
  Draft& draft_;
  Origin origin_;
};

}  // namespace

void ReadRow(const Row& row, const Value& value, Draft& draft) {
  RowReader(row, value, draft).Run();
}

}  // namespace config
