// What a lease's connection has in it that a fresh one has not: MULTI, WATCH, and what was queued.
//
// Followed by the replies, because only they say what the server did; what is queued is noted when
// it is sent. Plain data.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/frontend/call.h"

namespace frontend {

struct Transaction {
  bool sent_multi = false;  // by what was sent: what follows will be queued
  bool open = false;        // by what was answered
  bool watching = false;
  bool tainted = false;    // the connection is no longer what its key says
  bool unsent = false;     // while calls are told of a loss: MULTI itself never left
  TransactionNotes notes;  // sent since MULTI
  // Of the bodies on the way, because some are queued; EXEC and DISCARD take it over.
  uint32_t* body_count = nullptr;
  // By what was answered since MULTI: how many commands are queued, and which of them change the
  // connection, should they succeed.
  size_t queued = 0;
  struct Change {
    size_t at = 0;
    int db = -1;
    int protocol = 0;
    backend::IdentityRef identity;
  };
  std::vector<Change> changes;
  std::vector<std::pair<size_t, base::Slice>> own_words;  // see TransactionNotes::places

  // The connection is as it was lent.
  bool clean() const { return !sent_multi && !open && !watching; }

  // `call` was answered with QUEUED.
  void OnQueued(const Call& call) {
    if (call.db >= 0 || call.protocol > 0 || call.identity != nullptr)
      changes.push_back({queued, call.db, call.protocol, call.identity});
    if (call.after == After::kOwnWord) own_words.emplace_back(queued, call.said);
    ++queued;
  }

  // A call was lost with the connection; they are told in their order. True if that leaves the
  // client inside a transaction which nobody can end. One of which nothing has left is no such: all
  // of it will be sent anew.
  bool OnLost(After after, bool sent) {
    if (after == After::kMulti && !sent && !open) {
      unsent = true;
      sent_multi = false;
    }
    if (after != After::kExec && after != After::kDiscard) return false;
    const bool lost = !sent && !unsent;
    open = unsent = false;
    return lost;
  }

  // The reply to a MULTI, EXEC, DISCARD, WATCH or UNWATCH.
  void OnReply(After after, std::string_view reply) {
    const bool error = !reply.empty() && reply[0] == '-';
    const bool was_queued = reply == "+QUEUED\r\n";
    switch (after) {
      case After::kMulti:
        if (!error) {
          open = true;
          queued = 0;
          changes.clear();
          own_words.clear();
        } else if (!open) {
          sent_multi = false;  // refused: nothing is queued
        }
        break;
      case After::kExec:
        if (reply.starts_with("-ERR wrong number of arguments")) {
          sent_multi = open;  // up to 6.0 this does not end it
          break;
        }
        open = false;
        // "EXEC without MULTI" leaves the WATCH as it is.
        if (!reply.starts_with("-ERR")) watching = false;
        break;
      case After::kDiscard:
        open = false;
        if (!error) watching = false;
        break;
      case After::kWatch:
        if (!error && !was_queued) watching = true;
        break;
      case After::kUnwatch:
        if (!error && !was_queued) watching = false;
        break;
      default:
        break;
    }
  }
};

}  // namespace frontend
