#include "tests/support/oracle_wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/support/oracle_replies.h"

namespace support {
namespace {

constexpr size_t kReadBytes = 128 * 1024;

bool Again() {
  return errno == EAGAIN || errno == EINTR;
}

}  // namespace

void OracleWire::Give(std::string_view bytes, size_t largest, unsigned seed) {
  out_.erase(0, sent_);
  sent_ = 0;
  out_ += bytes;
  largest_ = largest;
  random_.seed(seed);
}

std::vector<std::string> OracleWire::TakeReplies() {
  counted_ = 0;
  return std::exchange(replies_, {});
}

void OracleWire::Move(const std::vector<OracleWire*>& wires, milliseconds patience) {
  std::vector<pollfd> fds;
  for (const OracleWire* wire : wires) {
    const bool wants_out = wire->sent_ < wire->out_.size();
    const short events = static_cast<short>(POLLIN | (wants_out ? POLLOUT : 0));
    // One that has ended would be ready for ever.
    fds.push_back({wire->ended_ ? -1 : wire->client_.fd(), events, 0});
  }
  poll(fds.data(), fds.size(), static_cast<int>(patience.count()));
  for (size_t i = 0; i < wires.size(); ++i) {
    if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) wires[i]->ReadSome();
    if (!wires[i]->ended_ && (fds[i].revents & POLLOUT) != 0) wires[i]->SendSome();
  }
}

void OracleWire::SendSome() {
  size_t size = out_.size() - sent_;
  if (largest_ > 0) size = std::min<size_t>(size, 1 + random_() % largest_);
  const ssize_t n = send(client_.fd(), out_.data() + sent_, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  // What the other side has said before it closed is still to be read.
  if (n < 0 && !Again()) sent_ = out_.size();
  if (n > 0) sent_ += static_cast<size_t>(n);
}

void OracleWire::ReadSome() {
  for (;;) {
    const size_t size = in_.size();
    in_.resize(size + kReadBytes);
    const ssize_t n = recv(client_.fd(), in_.data() + size, kReadBytes, MSG_DONTWAIT);
    in_.resize(size + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0 || (n < 0 && !Again())) ended_ = true;
    if (n <= 0 || n < static_cast<ssize_t>(kReadBytes)) break;
  }
  CutReplies();
}

void OracleWire::CutReplies() {
  while (at_ < in_.size()) {
    const std::string_view rest = std::string_view(in_).substr(at_);
    const size_t size = ReplySize(rest);
    if (size == 0) break;
    replies_.emplace_back(rest.substr(0, size));
    if (!IsMessage(replies_.back())) ++counted_;
    at_ += size;
  }
  in_.erase(0, at_);
  at_ = 0;
}

}  // namespace support
