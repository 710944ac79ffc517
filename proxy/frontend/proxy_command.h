// PROXY: what shacast says of itself.
//
//   PROXY HELP            this list
//   PROXY INFO            what was counted, all workers together
//   PROXY NODES           the nodes, their roles, and how many scripts each is proven to hold
//   PROXY SCRIPTS [sha]   lua_scripts, and which node holds which
//   PROXY CLIENTS         the clients, all workers together
//
// and the section that INFO gets.
//
// One worker's thread; it answers from what this worker knows, and the workers tell each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/frontend/client_facts.h"
#include "proxy/frontend/session_context.h"

namespace frontend {

// The `# shacast` section of INFO.
std::string InfoSection(const SessionContext& context);

// The reply to PROXY CLIENTS.
std::string AnswerProxyClients(const std::vector<ClientFacts>& clients, int protocol);

// The reply to any other PROXY with `args`, in RESP2 or RESP3.
std::string AnswerProxyCommand(const std::vector<std::string_view>& args, SessionContext& context,
                               int protocol);

}  // namespace frontend
