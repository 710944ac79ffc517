// The set on which the story is told: a master, its replicas, and shacast in front of them.
//
// Everything lies in one temporary folder and listens on 127.0.0.1 only. The processes are ours
// (see process.h), and so is the folder; both are gone when the stage is.
//
// The main thread; every wait is for a condition, has a limit and ends when we are interrupted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/base/result.h"
#include "proxy/demo/client.h"
#include "proxy/demo/interrupts.h"
#include "proxy/demo/process.h"
#include "proxy/demo/server_program.h"

namespace demo {

struct StageNode {
  std::string role;
  int port = 0;
  std::unique_ptr<Process> process;
  std::unique_ptr<Client> client;

  std::string address() const { return "127.0.0.1:" + std::to_string(port); }
};

class Stage {
 public:
  Stage(ServerProgram server, Interrupts& interrupts);
  // Ends everything, in order, and removes the folder.
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // A master, two replicas, and shacast; all have found each other.
  base::Status SetUp();
  // One more replica, in step with the master; shacast reads from it.
  base::Status AddReplica();

  // The master first.
  const std::vector<StageNode>& nodes() const { return nodes_; }
  Client& shacast() { return *shacast_client_; }
  int shacast_port() const { return shacast_port_; }
  // "redis 7.0.15".
  std::string server_words() const { return server_words_; }
  bool is_valkey() const { return is_valkey_; }
  std::string log_file() const { return folder_ + "/shacast.log"; }
  // One of the processes has ended, which none of them should.
  bool SomeoneEnded();

 private:
  base::Status MakeFolder();
  base::Status StartNode(const std::string& role);
  base::Status LookAtVersion();
  base::Status WaitForLinks();
  base::Status StartShacast();
  base::Status StartShacastOn(int port, bool* port_taken);
  base::Status WaitForShacastToRead();
  // Waits, and says what for if that was in vain.
  base::Status Await(const std::string& what, const std::function<bool()>& condition);
  base::Error Interrupted() const;

  const ServerProgram server_;
  Interrupts& interrupts_;
  std::string folder_;
  std::vector<StageNode> nodes_;
  std::string server_words_;
  bool is_valkey_ = false;
  int shacast_port_ = 0;
  std::unique_ptr<Process> shacast_;
  std::unique_ptr<Client> shacast_client_;
};

}  // namespace demo
