// PROXY: what shacast says of itself.
//
//   PROXY HELP            this list
//   PROXY INFO            what was counted, all workers together
//   PROXY NODES           the nodes, their roles, and how many scripts each is proven to hold
//   PROXY SCRIPTS [sha]   lua_scripts, and which node holds which
//
// One worker's thread; it answers from what this worker knows, and the workers tell each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/frontend/session_context.h"

namespace frontend {

// The reply to PROXY with `args`, in RESP2 or RESP3.
std::string AnswerProxyCommand(const std::vector<std::string_view>& args, SessionContext& context,
                               int protocol);

}  // namespace frontend
