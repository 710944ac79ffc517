// Facts in, the next picture and events out: who is master, which replicas may be read, whose
// knowledge of scripts is void.
//
// It is told what each poll of each node said (or that the node did not answer), and answers with
// what changed. It asks nobody itself: the control thread polls the addresses in Watched().
//
// Discovery "replication": every address that a node names (a replica's master, a node's replicas)
// is watched too. Masters are those that say so themselves; of two, the one with the higher
// replication offset is taken, and that is said loudly. Discovery "static": the first configured
// node is the master if it says so, the others are its replicas; nothing else is watched.
//
// One process reached by two addresses ("localhost" and "127.0.0.1") is one node: the address that
// was configured, or came first.
//
// No socket, no clock, no logger, no thread: the control thread calls it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "replication/attach_watch.h"
#include "replication/node_facts.h"
#include "replication/topology.h"

namespace replication {

// Something that an operator would want to read, or that the proxy must act on.
struct Event {
  enum class Kind : uint8_t {
    kNodeFound,      // an address that was not watched
    kNodeForgotten,  // it is gone, and nobody names it any more
    kNodeUp,
    kNodeDown,
    kMasterIs,
    kNoMaster,
    kTwoMasters,
    kReadable,     // a replica may be given reads
    kNotReadable,  // ... or no longer
    kRaiseNode,    // what was known of this node's scripts is void
    kRaiseAll,     // a replica attached: what was known of any node's scripts is void
  };
  Kind kind;
  NodeId node = 0;    // not for kNoMaster, kTwoMasters, kRaiseAll
  std::string words;  // why
  // kRaiseNode: it holds nothing, or not all, of what it held.
  bool scripts_lost = false;
};

class TopologyTracker {
 public:
  TopologyTracker(const config::UpstreamSettings& upstream, const config::RoutingSettings& routing);

  struct Watch {
    NodeId id;
    config::Address address;
  };
  // The nodes to poll.
  std::vector<Watch> Watched() const;

  // A poll was answered.
  std::vector<Event> OnFacts(NodeId id, NodeFacts facts);
  // The node is busy with a script: it is alive, and everything else is as it was.
  std::vector<Event> OnBusy(NodeId id);
  // The node could not be reached, or said what no node says.
  std::vector<Event> OnFailed(NodeId id, const std::string& why);

  // The picture; another object whenever something in it changed.
  const std::shared_ptr<const Topology>& picture() const { return picture_; }
  std::string AddressOf(NodeId id) const;

 private:
  struct Member {
    NodeId id = 0;
    config::Address address;
    bool configured = false;
    bool forgotten = false;
    bool up = false;
    std::string why_down;  // "" before the first poll
    std::optional<NodeFacts> facts;
  };
  using Events = std::vector<Event>;

  static constexpr int kMostWatched = 128;  // a node that lies must not fill us

  Member* Find(NodeId id);
  const Member* FindAddress(const config::Address& address) const;
  void WatchAddress(const config::Address& address, Events* events);
  void FollowNames(const NodeFacts& facts, Events* events);
  bool ForgetStrays(Events* events);  // true if somebody was
  bool IsAlias(const Member& member) const;
  const Member* ChooseMaster(Events* events, std::string* why_none);
  std::string WhyNotReadable(const Member& member, const Member* master) const;
  void Redraw(Events* events);

  const bool is_static_;
  const std::chrono::milliseconds max_lag_;
  std::vector<Member> members_;
  AttachWatch attach_;
  std::string masters_told_;  // the last kTwoMasters
  std::shared_ptr<const Topology> picture_;
};

}  // namespace replication
