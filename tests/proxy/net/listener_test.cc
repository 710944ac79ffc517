#include "proxy/net/listener.h"

#include <gtest/gtest.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "proxy/net/socket.h"
#include "tests/support/run_loop.h"
#include "tests/support/sockets.h"
#include "tests/support/temp_folder.h"

namespace net {
namespace {

using config::ListenAddress;

ListenAddress Tcp(uint16_t port) {
  return {ListenAddress::Kind::kTcp, {"127.0.0.1", port}, ""};
}
ListenAddress Unix(const std::string& path) {
  return {ListenAddress::Kind::kUnix, {}, path};
}

// Zero or an errno value.
int ConnectUnix(const support::Fd& fd, const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0 : errno;
}

support::Fd UnixSocket() {
  return support::Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
}

class ListenerTest : public ::testing::Test {
 protected:
  Listener::OnAccepted Note() {
    return [this](int fd, const std::string& peer) {
      accepted_.emplace_back(fd);
      peers_.push_back(peer);
    };
  }

  Loop loop_;
  support::TempFolder folder_;
  std::string path_ = folder_.File("listen.sock");
  std::vector<support::Fd> accepted_;
  std::vector<std::string> peers_;
};

TEST_F(ListenerTest, HandsConnectionsOnWithTheNameOfThePeer) {
  auto listening = ListenOn(Tcp(0));
  ASSERT_TRUE(listening.ok()) << listening.error().words;
  support::Fd fd(listening.value());
  const uint16_t port = PortOf(fd);
  const Listener listener(loop_, fd.Release(), "", Note());
  std::vector<support::Fd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(support::ConnectToLoopback(port));
  ASSERT_TRUE(support::RunUntil(loop_, [&] { return accepted_.size() == clients.size(); }));
  for (size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(peers_[i], "127.0.0.1:" + std::to_string(PortOf(clients[i])));
    EXPECT_NE(fcntl(accepted_[i].get(), F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST_F(ListenerTest, AcceptsOnAUnixSocketAndRemovesItsFileInTheEnd) {
  auto listening = ListenOn(Unix(path_));
  ASSERT_TRUE(listening.ok()) << listening.error().words;
  const support::Fd client = UnixSocket();
  {
    const Listener listener(loop_, listening.value(), path_, Note());
    EXPECT_EQ(ConnectUnix(client, path_), 0);
    ASSERT_TRUE(support::RunUntil(loop_, [&] { return accepted_.size() == 1; }));
    EXPECT_EQ(peers_[0], "unix");
    EXPECT_TRUE(std::filesystem::exists(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ListenerTest, OnceItIsGoneNobodyIsAccepted) {
  support::Fd fd(std::move(ListenOn(Tcp(0)).value()));
  const uint16_t port = PortOf(fd);
  { const Listener listener(loop_, fd.Release(), "", Note()); }
  // Refused, at once or when it is looked at.
  const sockaddr_in address = support::Loopback(port);
  const support::Fd client(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_NE(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(ListenerTest, ASocketFileThatNobodyListensOnIsTakenOver) {
  // As a process that was killed leaves it behind.
  { const support::Fd dead(std::move(ListenOn(Unix(path_)).value())); }
  ASSERT_TRUE(std::filesystem::exists(path_));
  auto listening = ListenOn(Unix(path_));
  ASSERT_TRUE(listening.ok()) << listening.error().words;
  const support::Fd fd(listening.value());
  EXPECT_EQ(ConnectUnix(UnixSocket(), path_), 0);
}

TEST_F(ListenerTest, ASocketFileThatSomebodyListensOnIsLeftToHim) {
  const support::Fd first(std::move(ListenOn(Unix(path_)).value()));
  const auto second = ListenOn(Unix(path_));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().words, "cannot listen on unix:" + path_ + ": Address already in use");
  EXPECT_EQ(ConnectUnix(UnixSocket(), path_), 0);
}

TEST_F(ListenerTest, AFileThatIsNoSocketIsNotTouched) {
  folder_.Write("listen.sock", "precious");
  EXPECT_FALSE(ListenOn(Unix(path_)).ok());
  EXPECT_EQ(support::ReadFile(path_), "precious");
}

TEST_F(ListenerTest, SaysWhyItCannotListen) {
  const support::Fd first(std::move(ListenOn(Tcp(0)).value()));
  const std::string name = "127.0.0.1:" + std::to_string(PortOf(first));
  const auto second = ListenOn(Tcp(PortOf(first)));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().words, "cannot listen on " + name + ": Address already in use");

  const auto foreign = ListenOn({ListenAddress::Kind::kTcp, {"192.0.2.1", 6380}, ""});
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().words,
            "cannot listen on 192.0.2.1:6380: Cannot assign requested address");

  const std::string too_long = folder_.File(std::string(200, 'x'));
  EXPECT_EQ(ListenOn(Unix(too_long)).error().words,
            "cannot listen on unix:" + too_long + ": the path is too long");
  const std::string nowhere = folder_.File("no/folder");
  EXPECT_EQ(ListenOn(Unix(nowhere)).error().words,
            "cannot listen on unix:" + nowhere + ": No such file or directory");
}

TEST_F(ListenerTest, WithoutADescriptorLeftAClientIsClosedAndTheNextOneServed) {
  support::Fd fd(std::move(ListenOn(Tcp(0)).value()));
  const uint16_t port = PortOf(fd);
  const Listener listener(loop_, fd.Release(), "", Note());
  const support::Fd refused = support::ConnectToLoopback(port);

  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const support::Fd probe(open("/dev/null", O_RDONLY));
  const rlimit none_left{static_cast<rlim_t>(probe.get()) + 1, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none_left);
  support::Turn(loop_);
  support::Turn(loop_);
  setrlimit(RLIMIT_NOFILE, &before);

  EXPECT_TRUE(accepted_.empty());
  std::string got;
  EXPECT_EQ(support::ReadAll(refused, &got), support::Read::kEnd);
  const support::Fd served = support::ConnectToLoopback(port);
  ASSERT_TRUE(support::RunUntil(loop_, [&] { return accepted_.size() == 1; }));
}

TEST(PeerName, IsTheAddressAsPeopleWriteIt) {
  sockaddr_in v4 = support::Loopback(6380);
  EXPECT_EQ(PeerName(reinterpret_cast<const sockaddr*>(&v4)), "127.0.0.1:6380");
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  v6.sin6_port = htons(6380);
  EXPECT_EQ(PeerName(reinterpret_cast<const sockaddr*>(&v6)), "[::1]:6380");
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_EQ(PeerName(reinterpret_cast<const sockaddr*>(&local)), "unix");
}

}  // namespace
}  // namespace net
