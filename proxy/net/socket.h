// Sockets by hand: the few calls that libuv has no words for, and names for what they say.
//
// Any thread.
#pragma once

#include <string>

#include "config/settings.h"
#include "proxy/base/result.h"

struct sockaddr;

namespace net {

// A listening socket, not blocking. "unix:" removes a socket file that nobody listens on.
base::Result<int> ListenOn(const config::ListenAddress& address);

// No delay, keep-alive: for client and node connections; without effect on a unix socket.
void TuneConnection(int fd);

// "127.0.0.1:6380", "[::1]:6380", "unix".
std::string PeerName(const sockaddr* address);

// Where this end of a connection is; "/run/shacast.sock:0" for a unix socket, as servers say it.
std::string LocalName(int fd);

// The words for an errno value.
std::string ErrorWords(int error);

}  // namespace net
