#include "tests/support/oracle_stream.h"

#include <algorithm>

#include "tests/support/oracle_grammar.h"
#include "tests/support/resp_value.h"

namespace support {
namespace {

using Args = OracleGrammar::Args;

OracleItem ItemOf(const Args& args) {
  return {Encode(args), args, 1, false};
}

// Behind these a server says what is wrong and closes.
const std::vector<std::string> kBroken = {
    "*x\r\n",
    "*3000000000\r\n",
    "*2\r\nGET\r\n",
    "*1\r\n+PING\r\n",
    "*1\r\n$-5\r\n",
    "*1\r\n$x\r\n",
    "*2\r\n$3\r\nGET\r\n$600000000\r\n",
    "*2\r\n$3\r\nGET\r\n:1\r\n",
    "*\r\n",
    "SET \"unbalanced\r\n",
    "GET 'unbalanced\r\n",
    "GET \"a\"b\r\n",
};
// Commands after which it closes without an error.
const std::vector<std::string> kGoodbyes = {
    "*1\r\n$4\r\nQUIT\r\n",
    "quit\r\n",
    "*2\r\n$4\r\nQUIT\r\n$1\r\nx\r\n",
};
// Nothing at all, said in many ways.
const std::vector<std::string> kNothing = {"\r\n", "\n", "*0\r\n", "*-1\r\n", "*-7\r\n", "   \r\n"};

class Maker {
 public:
  Maker(uint32_t seed, size_t commands) : grammar_(seed), left_(commands) {
    stream_.seed = seed;
    stream_.clients = 1 + grammar_.Below(4);
    in_multi_.assign(stream_.clients, 0);
    for (size_t i = 0; i < stream_.clients; ++i) {
      OracleStep hello;
      hello.client = i;
      if (grammar_.OneIn(2)) hello.items.push_back(ItemOf({"HELLO", "3"}));
      if (grammar_.OneIn(8)) hello.items.push_back(LogIn());
      if (!hello.items.empty()) stream_.steps.push_back(hello);
    }
  }

  OracleStream Make() {
    while (left_ > 0) {
      OracleStep step;
      step.client = grammar_.Below(stream_.clients);
      if (grammar_.OneIn(60) && in_multi_[step.client] == 0) {
        FillBlocking(&step);
      } else {
        FillPipeline(&step);
      }
      ChoosePieces(&step);
      left_ -= std::min(left_, step.items.size());
      stream_.steps.push_back(std::move(step));
    }
    return std::move(stream_);
  }

 private:
  OracleItem LogIn() {
    // Not yet the users with fewer rights: see "not yet" among the families.
    const std::string user = "default";
    return ItemOf({"AUTH", user, user + "-password"});
  }

  // One command as a client may write it.
  OracleItem Written(const Args& args) {
    if (!grammar_.OneIn(20)) return ItemOf(args);
    size_t size = 0;
    for (const std::string& arg : args) size += arg.size();
    if (size > 10'000) return ItemOf(args);
    OracleItem item = ItemOf(args);
    item.bytes.clear();
    for (const std::string& arg : args)
      item.bytes += Quoted(arg) + (grammar_.OneIn(4) ? "  " : " ");
    item.bytes += grammar_.OneIn(2) ? "\r\n" : "\n";
    return item;
  }

  // A word of an inline command.
  std::string Quoted(const std::string& word) {
    const bool simple = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
      return c > ' ' && c < 127 && c != '"' && c != '\'';
    });
    // An inline command that begins with '*' would be an array.
    if (simple && word[0] != '*' && !grammar_.OneIn(5)) return word;
    static constexpr char kHex[] = "0123456789abcdef";
    std::string quoted = "\"";
    for (const char c : word) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        quoted += std::string("\\") + c;
      } else if (byte < 32 || byte > 126) {
        quoted += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
      } else {
        quoted += c;
      }
    }
    return quoted + "\"";
  }

  Args NextCommand(size_t client) {
    size_t& in_multi = in_multi_[client];
    if (in_multi > 0) {
      if (--in_multi == 0) {
        if (grammar_.OneIn(30)) return {"EXEC", "x"};
        return grammar_.OneIn(5) ? Args{"DISCARD"} : Args{"EXEC"};
      }
    } else if (grammar_.OneIn(40)) {
      in_multi = 1 + grammar_.Below(8);
      return {"MULTI"};
    }
    switch (grammar_.Below(600)) {
      case 0:
        return {"MULTI"};
      case 1:
        return {"EXEC"};
      case 2:
        return {"DISCARD"};
      case 3:
        return {"UNWATCH"};
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        return grammar_.Of("WATCH %k*");
      case 9:
        return {"MULTI", "x"};
      case 10:
        return grammar_.Of("BLPOP|BRPOP %l %l 0.004");
      case 11:
        return grammar_.Of("BLMOVE %l %l LEFT|RIGHT LEFT 0.004");
      case 12:
        return grammar_.Of("BZPOPMIN|BZPOPMAX %z %z 0.004");
      case 13:
        return grammar_.Of("XREAD BLOCK 4 STREAMS %x %id");
      case 14:
        return grammar_.Of("BLMPOP 0.004 1 %l LEFT|RIGHT");
      case 15:
        return grammar_.Of("BRPOPLPUSH %l %l 0.004");
      case 16:
        return grammar_.Of("BLPOP %l -1|x|");
      case 17:
        return LogIn().args;
      default:
        return grammar_.Next();
    }
  }

  void FillPipeline(OracleStep* step) {
    const size_t kind = grammar_.Below(100);
    size_t size = kind < 35   ? 1
                  : kind < 70 ? 1 + grammar_.Below(10)
                  : kind < 97 ? 1 + grammar_.Below(150)
                              : 1 + grammar_.Below(1200);
    for (size = std::min(size, left_); size > 0; --size) {
      if (grammar_.OneIn(150))
        step->items.push_back({kNothing[grammar_.Below(kNothing.size())], {}, 0, false});
      step->items.push_back(Written(NextCommand(step->client)));
    }
    if (!grammar_.OneIn(80)) return;
    in_multi_[step->client] = 0;
    const size_t at = grammar_.Below(kBroken.size() + kGoodbyes.size());
    const std::string& bytes = at < kBroken.size() ? kBroken[at] : kGoodbyes[at - kBroken.size()];
    step->items.push_back({bytes, {}, 1, true});
  }

  void FillBlocking(OracleStep* step) {
    const std::string key = "waited:" + std::to_string(grammar_.Below(2));
    const std::string db = std::to_string(grammar_.Below(3));
    static constexpr const char* kForms[] = {"BLPOP nokey KEY 2",
                                             "BRPOP KEY 2",
                                             "BLMOVE KEY moved LEFT RIGHT 2",
                                             "BRPOPLPUSH KEY moved 2",
                                             "BLMPOP 2 1 KEY LEFT COUNT 2",
                                             "BZPOPMIN KEY 2",
                                             "BZPOPMAX nokey KEY 2",
                                             "BZMPOP 2 1 KEY MIN",
                                             "XREAD BLOCK 2000 STREAMS KEY $"};
    const size_t form = grammar_.Below(std::size(kForms));
    Args words = grammar_.Of(kForms[form]);
    std::replace(words.begin(), words.end(), std::string("KEY"), key);
    step->blocks = true;
    step->items.push_back(ItemOf({"SELECT", db}));
    step->items.push_back(ItemOf({"DEL", key, "moved"}));
    for (size_t i = grammar_.Below(3); i > 0; --i)
      step->items.push_back(ItemOf({"INCR", "around"}));
    step->items.push_back(ItemOf(words));
    for (size_t i = grammar_.Below(3); i > 0; --i)
      step->items.push_back(ItemOf({"INCR", "around"}));
    step->by_helper.push_back(ItemOf({"SELECT", db}));
    if (form < 5) {
      step->by_helper.push_back(ItemOf(grammar_.Of("LPUSH|RPUSH KEYNAME %m*")));
    } else if (form < 8) {
      step->by_helper.push_back(ItemOf(grammar_.Of("ZADD KEYNAME %i+%m*")));
    } else {
      step->by_helper.push_back(ItemOf(grammar_.Of("XADD KEYNAME %nextid %m %v")));
    }
    Args& push = step->by_helper.back().args;
    push[1] = key;
    step->by_helper.back().bytes = Encode(push);
  }

  void ChoosePieces(OracleStep* step) {
    size_t size = 0;
    for (const OracleItem& item : step->items) size += item.bytes.size();
    const size_t kind = grammar_.Below(10);
    if (kind < 6) return;
    step->largest_piece = kind == 6 ? 3 : kind < 9 ? 60 : 3000;
    step->largest_piece = std::max(step->largest_piece, size / 200);
  }

  OracleGrammar grammar_;
  size_t left_;
  std::vector<size_t> in_multi_;
  OracleStream stream_;
};

}  // namespace

size_t OracleStream::commands() const {
  size_t count = 0;
  for (const OracleStep& step : steps) count += step.items.size() + step.by_helper.size();
  return count;
}

OracleStream MakeOracleStream(uint32_t seed, size_t commands) {
  return Maker(seed, commands).Make();
}

}  // namespace support
