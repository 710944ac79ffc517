// Which clients CLIENT LIST or CLIENT KILL is about: ID, TYPE, USER, ADDR ... as the servers know
// them, up to Valkey 9, also with NOT- in front.
//
// A superset of what any one version takes: the server has been asked about the same words, and has
// said what it does not like, before a filter is used.
//
// Plain data; it travels between workers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/frontend/client_facts.h"

namespace frontend {

class ClientFilter {
 public:
  enum class Field : uint8_t {
    kId,
    kType,
    kUser,
    kAddr,
    kLaddr,
    kMaxAge,
    kName,
    kIdle,
    kFlags,
    kLibName,
    kLibVer,
    kDb,
    kCapa,
    kIp,
  };

  // Of the words behind LIST or KILL; nullopt: one of them is none that we know
  // (`*knows_words` = false), or what is behind it is none of its values.
  static std::optional<ClientFilter> Parse(const std::vector<std::string_view>& words,
                                           bool* knows_words = nullptr);
  // CLIENT KILL 127.0.0.1:1234.
  static ClientFilter OfAddr(std::string_view addr);

  // `asker`: the client that asks. `skip_asker`: unless SKIPME says something else.
  bool Matches(const ClientFacts& facts, uint64_t asker, bool skip_asker) const;

  // It asks for the links of replication (TYPE master, replica), which are the server's own.
  bool about_links() const { return about_links_; }
  // The ids, where it is about nothing else.
  const std::vector<int64_t>* ids_alone() const;

 private:
  struct Condition {
    Field field;
    bool negated = false;
    std::string text;
    std::vector<int64_t> numbers;
  };
  static bool Holds(const Condition& condition, const ClientFacts& facts);
  void Add(Condition condition);

  std::vector<Condition> conditions_;
  std::optional<bool> skip_asker_;
  bool about_links_ = false;
};

}  // namespace frontend
