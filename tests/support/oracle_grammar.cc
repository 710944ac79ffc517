#include "tests/support/oracle_grammar.h"

#include <algorithm>
#include <utility>

#include "tests/support/scripts.h"

namespace support {
namespace {

using Args = OracleGrammar::Args;

constexpr size_t kKeysOfAKind = 4;
constexpr size_t kOddOneIn = 25;
constexpr size_t kHugeOneIn = 6000;  // values of some megabytes

}  // namespace

OracleGrammar::OracleGrammar(uint32_t seed) : random_(seed) {
  for (const OracleFamily& family : OracleFamilies()) total_weight_ += family.weight;
}

Args OracleGrammar::Next() {
  auto left = static_cast<int>(Below(static_cast<size_t>(total_weight_)));
  for (const OracleFamily& family : OracleFamilies()) {
    left -= family.weight;
    if (left >= 0) continue;
    const OracleRow& row = family.rows[Below(family.rows.size())];
    Args args = Expand(row.words);
    if (!row.as_it_is && OneIn(kOddOneIn)) MakeOdd(&args);
    return args;
  }
  return {"PING"};
}

Args OracleGrammar::Of(std::string_view row) {
  return Expand(row);
}

Args OracleGrammar::Expand(std::string_view row) {
  Args args;
  while (!row.empty()) {
    const size_t end = std::min(row.find(' '), row.size());
    ExpandWord(row.substr(0, end), &args);
    row.remove_prefix(std::min(end + 1, row.size()));
  }
  return args;
}

void OracleGrammar::ExpandWord(std::string_view word, Args* args) {
  size_t times = 1;
  if (word.size() > 1 && word.back() == '*') {
    word.remove_suffix(1);
    times = OneIn(200) ? 100 : 1 + Below(4);
  }
  for (; times > 0; --times) {
    std::vector<std::string_view> choices;
    std::string_view rest = word;
    for (size_t bar; (bar = rest.find('|')) != std::string_view::npos; rest.remove_prefix(bar + 1))
      choices.push_back(rest.substr(0, bar));
    choices.push_back(rest);
    std::string_view choice = choices[Below(choices.size())];
    while (!choice.empty()) {
      const size_t plus = std::min(choice.find('+', 1), choice.size());
      const std::string_view one = choice.substr(0, plus);
      args->push_back(one[0] == '%' ? Placeholder(one.substr(1)) : std::string(one));
      choice.remove_prefix(std::min(plus + 1, choice.size()));
    }
  }
}

// A letter for a kind of key: any number of families may share one.
std::string OracleGrammar::Key(std::string_view kind) {
  static constexpr char kKinds[] = "sbchltzxgpq";
  std::string key(1, OneIn(12) || kind == "k" ? kKinds[Below(sizeof kKinds - 1)] : kind[0]);
  key += ':';
  key += std::to_string(Below(kKeysOfAKind));
  return key;
}

std::string OracleGrammar::Value() {
  const size_t kind = Below(40);
  if (kind < 12) return Number();
  if (OneIn(kHugeOneIn)) return std::string((1 << 20) + Below(3 << 20), 'H');
  const size_t size = kind == 12 ? Below(40'000) : kind < 16 ? Below(600) : Below(24);
  std::string value(size, ' ');
  const bool text = OneIn(2);
  for (char& c : value) c = static_cast<char>(text ? 'a' + random_() % 26 : random_());
  return value;
}

std::string OracleGrammar::Member() {
  const size_t kind = Below(20);
  if (kind < 14) return "m" + std::to_string(Below(8));
  if (kind < 18) return std::to_string(Below(12));
  if (kind == 18) return std::string(70 + Below(20), 'M');  // too long for a listpack
  return OneIn(2) ? std::string() : std::string("\0\r\n\xff", 4);
}

std::string OracleGrammar::Number() {
  static constexpr const char* kNumbers[] = {"0",
                                             "-1",
                                             "9223372036854775807",
                                             "-9223372036854775808",
                                             "9223372036854775808",
                                             "18446744073709551616",
                                             "1e3",
                                             "3.0",
                                             "01",
                                             "+1",
                                             " 1",
                                             "1 ",
                                             "0x10",
                                             "",
                                             "nan",
                                             "4294967296",
                                             "ten"};
  return OneIn(12) ? OneOf(kNumbers) : std::to_string(static_cast<int>(Below(30)) - 5);
}

std::string OracleGrammar::Float() {
  static constexpr const char* kFloats[] = {"0.1",    "3.14159265358979",
                                            "1e-7",   "1e21",
                                            "1e400",  "-0",
                                            "inf",    "-inf",
                                            "+inf",   "nan",
                                            "1e17",   "0.3",
                                            "-2.5",   ".5",
                                            "5.",     "1e",
                                            "123456", "0.1e1",
                                            "5e-324", "1.7976931348623157e308"};
  return OneIn(2) ? OneOf(kFloats) : std::to_string(static_cast<int>(Below(60)) - 20);
}

std::string OracleGrammar::Placeholder(std::string_view name) {
  static constexpr const char* kPatterns[] = {
      "*", "s:*", "?:[12]", "[^z]:*", "m*", "h:?", "\\*", "nothing", "", "[a-", "*:0", "m[0-4]"};
  static constexpr const char* kLex[] = {"-", "+", "[m1", "(m1", "[m5", "(", "[", "m", "(m7"};
  static constexpr const char* kScores[] = {"-inf", "+inf", "(1",  "5", "(0.5",
                                            "-3",   "(",    "nan", "20"};
  static constexpr const char* kIds[] = {
      "0", "0-0", "-", "+", "$", ">", "5-1", "(3-0", "10", "99999999999999999999", "1-", "3-2"};
  static constexpr const char* kTypes[] = {"u1",  "u8",  "i8",  "i16", "u32",
                                           "i64", "u63", "u64", "i0",  "x8"};
  static constexpr const char* kOffsets[] = {"4294967296", "-1", "100000", "x", "536870912"};
  static constexpr const char* kRules[] = {"+get",     "-get",     "+eval",   "-eval", "+@string",
                                           "+script",  "-script",  "~l:*",    "+set",  "-set",
                                           "nonsense", "+evalsha", "-evalsha"};
  static constexpr const char* kRadii[] = {"0", "200", "5000", "20000", "-1", "x"};
  static constexpr const char* kBadTimes[] = {"0", "-1", "x", "9223372036854775807", "", "1.5"};
  static constexpr const char* kUsers[] = {"reader", "noeval", "few", "nobody"};
  static constexpr const char* kPasswords[] = {"reader-password", "noeval-password", "few-password",
                                               "wrong"};
  static constexpr const char* kFunctions[] = {"first", "second", "reads", "fails", "missing"};
  static constexpr const char* kFields[] = {"1", "2", "3", "0", "100"};
  if (name.size() == 1 && std::string_view("ksbchltzxgpq").find(name[0]) != std::string_view::npos)
    return Key(name);
  if (name == "v") return Value();
  if (name == "m") return Member();
  if (name == "n") return Number();
  if (name == "f") return Float();
  if (name == "i") return std::to_string(static_cast<int>(Below(12)) - 5);
  if (name == "u") return std::to_string(1 + Below(5));
  if (name == "db") return OneIn(10) ? Number() : std::to_string(Below(16));
  if (name == "bit") return OneIn(20) ? "2" : OneIn(2) ? "1" : "0";
  if (name == "o") return OneIn(15) ? OneOf(kOffsets) : std::to_string(Below(200));
  // So far away that no time passes within a test.
  if (name == "e") return std::to_string(100'000 + Below(1000));
  if (name == "ems") return std::to_string(100'000'000 + Below(1000));
  if (name == "at") return std::to_string(4'000'000'000 + Below(1000));
  if (name == "atms") return std::to_string(4'000'000'000'000 + Below(1000));
  if (name == "rule") return OneOf(kRules);
  if (name == "radius") return OneOf(kRadii);
  if (name == "badtime") return OneOf(kBadTimes);
  if (name == "pattern") return OneOf(kPatterns);
  if (name == "lex") return OneOf(kLex);
  if (name == "score") return OneOf(kScores);
  if (name == "id") return OneIn(3) ? OneOf(kIds) : std::to_string(Below(40)) + "-" + "1";
  if (name == "nextid") return std::to_string(next_stream_id_++) + "-1";
  if (name == "group") return "group" + std::to_string(Below(2));
  if (name == "consumer") return "consumer" + std::to_string(Below(3));
  if (name == "type") return OneOf(kTypes);
  if (name == "fields") return OneOf(kFields);
  if (name == "body") return OracleScripts()[Below(OracleScripts().size())];
  if (name == "sha") {
    const std::string sha = Sha1Hex(Placeholder("body"));
    return OneIn(8) ? Upper(sha) : sha;
  }
  if (name == "library") return OracleLibraries()[Below(OracleLibraries().size())];
  if (name == "function") return OneOf(kFunctions);
  if (name == "user") return OneOf(kUsers);
  if (name == "password") return OneOf(kPasswords);
  if (name == "channel") return "channel" + std::to_string(Below(3));
  if (name == "lon") return std::to_string(Below(360)) + ".5";
  if (name == "lat") return std::to_string(Below(80)) + ".25";
  return "%" + std::string(name);
}

std::string OracleGrammar::Odd() {
  switch (Below(6)) {
    case 0:
      return "";
    case 1:
      return std::string("\0\x01\r\n*3\r\n", 8);
    case 2:
      return Number();
    case 3:
      return Float();
    case 4:
      return std::string(100 + Below(2000), 'x');
    default:
      return Key("k");
  }
}

void OracleGrammar::MakeOdd(Args* args) {
  switch (Below(7)) {
    case 0:
      if (args->size() > 1) args->pop_back();
      break;
    case 1:
      args->push_back(Odd());
      break;
    case 2:
      if (args->size() > 1) (*args)[1 + Below(args->size() - 1)] = Odd();
      break;
    case 3:
      args->resize(1);
      break;
    case 4:
      for (char& c : args->front())
        if (c >= 'A' && c <= 'Z' && OneIn(2)) c = static_cast<char>(c + 32);
      break;
    case 5:
      while (args->size() < 100) args->push_back(Member());
      break;
    default:
      args->front() += OneIn(2) ? "X" : std::string(1, static_cast<char>(random_()));
      break;
  }
}

}  // namespace support
