// What the tests of net::Stream share: an owner that notes what it is told, and the other side.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/stream.h"
#include "tests/support/run_loop.h"
#include "tests/support/sockets.h"

namespace net {

class NotingOwner final : public StreamOwner {
 public:
  Taken OnRead(const base::Slice& data) override {
    offered.emplace_back(data.view());
    if (on_read) return on_read(data);
    read += data.view();
    return {data.size, 0};
  }
  void OnEof() override {
    ++eofs;
    if (on_eof) on_eof();
  }
  void OnWriteProgress() override {
    ++progress;
    if (on_progress) on_progress();
  }
  void OnFinished() override { ++finished; }
  void OnBroken(const std::string& words) override {
    ++broken;
    why = words;
  }

  std::function<Taken(const base::Slice&)> on_read;  // none: everything is taken
  std::function<void()> on_eof;
  std::function<void()> on_progress;
  std::vector<std::string> offered;
  std::string read;
  std::string why;
  int eofs = 0;
  int progress = 0;
  int finished = 0;
  int broken = 0;
};

// A stream over a pair of unix sockets, or of TCP sockets, and its other side.
class StreamTest : public ::testing::Test {
 protected:
  void OpenUnix() { Open(support::SocketPair()); }
  void OpenTcp() { Open(support::TcpPair()); }

  void Open(std::pair<support::Fd, support::Fd> sockets) {
    peer_ = std::move(sockets.first);
    stream_ = std::make_unique<Stream>(loop_, sockets.second.Release(), owner_);
    stream_->Start();
  }
  void Send(std::string_view bytes) { ASSERT_EQ(support::SendSome(peer_, bytes), bytes.size()); }
  void Write(std::string_view bytes) { stream_->Write(base::CopySlice(bytes)); }

  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop_, condition);
  }
  // Some turns in which nothing should happen.
  void Turns(int n = 20) {
    for (int i = 0; i < n; ++i) support::Turn(loop_);
  }

  Loop loop_;
  NotingOwner owner_;
  support::Fd peer_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace net
