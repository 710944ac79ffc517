// A client of shacast and one of a server without it, asked the same: the oracle is the direct
// connection.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace support {

class Twin {
 public:
  Twin(const Stage& stage, const RedisProcess& oracle)
      : ours(stage.Connect()), direct(oracle.Connect()) {}

  // The answer through shacast; fails where the other's bytes are not the same.
  Value Ask(const RespClient::Args& args) {
    ours.Send(args);
    direct.Send(args);
    return Receive(args[0] + (args.size() > 1 ? " " + args[1] : ""));
  }
  template <typename... Words>
  std::string operator()(const Words&... words) {
    return Ask({std::string(words)...}).Show();
  }
  void Send(const RespClient::Args& args) {
    ours.Send(args);
    direct.Send(args);
  }
  // What comes next, such as a message.
  Value Receive(const std::string& what = "what comes next") {
    Value value = ours.Receive();
    direct.Receive();
    EXPECT_EQ(ours.last_raw(), direct.last_raw()) << what;
    return value;
  }

  RespClient ours;
  RespClient direct;
};

}  // namespace support
