#include "proxy/frontend/orphans.h"

#include <utility>

#include "proxy/frontend/call.h"
#include "proxy/resp/reply_scan.h"

namespace frontend {

void Orphans::OnReply(backend::Call& base, base::Slice piece, bool first, bool last) {
  Call& call = static_cast<Call&>(base);
  if (first) {
    // An array that is none, or a null: EXEC of a transaction that did not run.
    const std::string_view reply = piece.view();
    call.nil_reply = resp::IsErrorReply(reply) || reply.starts_with("*-1") || reply[0] == '_';
  }
  if (!last) return;
  const bool flushed = !call.nil_reply;
  std::exchange(call.flushing_in, nullptr)->FlushAnswered(flushed);
  if (flushed) hub_.FlushEverywhere(call.after == After::kScriptFlush, [] {});
  call.dispose(&call);
}

void Orphans::OnLost(backend::Call& base, bool sent, const std::string&) {
  Call& call = static_cast<Call&>(base);
  std::exchange(call.flushing_in, nullptr)->FlushAnswered(sent);
  call.dispose(&call);
}

}  // namespace frontend
