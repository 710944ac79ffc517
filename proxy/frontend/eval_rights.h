// May this user send a script (EVAL), or only name one that the node holds (EVALSHA)?
//
// ACLs can tell the two apart, and a call of a user without EVAL must not be given its body: on a
// direct connection it would run what the node holds. So before the first body goes to a node for a
// user the node is asked, with an EVAL whose numkeys is none: "NOPERM" if the user may not, else
// another error. No script runs.
//
// It is asked before, and not seen by what becomes of the call: behind a refused call the client's
// next ones would have run already, in MULTI all of it would be lost, and the words of the refusal
// could be the script's own.
//
// Who has given no password is not asked about, as the default user may do everything as a rule. A
// refusal casts doubt on what is believed, of that user too: then the node is asked.
//
// One worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/backend/connection.h"
#include "proxy/backend/node_pool.h"
#include "proxy/net/loop.h"

namespace frontend {

class EvalRights {
 public:
  enum class Right : uint8_t {
    kYes,
    kNo,
    kAsked,  // the answer is on its way; ask again soon
  };

  explicit EvalRights(net::Loop& loop);
  ~EvalRights();
  EvalRights(const EvalRights&) = delete;
  EvalRights& operator=(const EvalRights&) = delete;

  // For the user of `key`. `read_only`: EVAL_RO, which is a right of its own.
  Right Of(backend::NodePool& pool, const backend::ConnectionKey& key, bool read_only);
  // A call with its body was answered with NOPERM.
  void Doubt(const backend::NodePool& pool, const backend::IdentityRef& identity, bool read_only);

 private:
  class Entry;

  Entry* Find(const backend::NodePool& pool, const backend::IdentityRef& identity, bool read_only);
  Entry& Add(const backend::NodePool& pool, const backend::IdentityRef& identity, bool read_only);

  // An administrator may give the right later.
  static constexpr uint64_t kAskAgainMs = 60'000;

  net::Loop& loop_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace frontend
