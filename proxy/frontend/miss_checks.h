// "NOSCRIPT", said a node that we believed to hold the script. Is that the server speaking?
//
// A script can return those very words after it has written, and then sending the call again would
// run it twice. So the node is asked, on the connection that gave the answer: SCRIPT EXISTS.
//
//   0  it is the server's: nothing was executed. The node has lost scripts that we believed it
//   held,
//      so all that is believed of it is void.
//   1  somebody gave the script back meanwhile (another worker of ours: then the loss is on record
//      for the generation in which the call was sent, or a body of the script was on its way; or a
//      client, behind another client's SCRIPT FLUSH), or these are the script's own words.
//
// One question is enough for all calls of a script that missed on one connection before the
// question was answered: what is behind them on the connection came later than they.
//
// One worker's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/backend/connection.h"
#include "proxy/backend/node_pool.h"
#include "proxy/frontend/call.h"
#include "replication/sha1.h"

namespace frontend {

class MissChecks {
 public:
  enum class Verdict : uint8_t {
    kServers,  // nothing was executed
    kScripts,  // the script ran, and these are its words
    kUnsure,   // the node cannot be asked any more, or did not answer the question
  };
  using Waiter = std::function<void(Verdict)>;

  MissChecks();
  ~MissChecks();

  // `generation`, `given_mark`: of the node when the call was sent. The answer comes later, never
  // from inside.
  void Ask(backend::NodePool& pool, backend::Connection& connection, const replication::Sha1& sha,
           uint64_t generation, uint32_t given_mark, Waiter waiter);

 private:
  class Question;

  void Answer(Question& question, std::string_view reply);

  std::vector<std::unique_ptr<Question>> open_;
};

}  // namespace frontend
