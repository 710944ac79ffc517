// A story for the tracker, as a table: what a poll said, which events come of it, what the picture
// is then.
//
//   Story story({"a:1", "b:1"});
//   story.Tell({
//       {"the master answers", Says("a:1", Master("ra")), {"up a:1", "master a:1", ...},
//        "a:1 master*"},
//       ...
//
// The picture in words: each node with its address, role, "*" for the master, "r" for readable, and
// otherwise "(why not)"; "-" in front of a node that is down.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "replication/topology_tracker.h"

namespace replication {

// "a:1" is host a, port 1; "::1:7" is host ::1, port 7.
inline config::Address At(const std::string& text) {
  const size_t colon = text.rfind(':');
  return {text.substr(0, colon), static_cast<uint16_t>(std::stoi(text.substr(colon + 1)))};
}

inline NodeFacts MasterFacts(const std::string& run_id,
                             const std::vector<std::string>& replicas = {}, uint64_t offset = 100,
                             const std::string& replid = "set") {
  NodeFacts facts;
  facts.run_id = run_id;
  facts.role = Role::kMaster;
  facts.version = "7.0.15";
  facts.replid = replid;
  facts.offset = offset;
  for (const auto& replica : replicas) facts.replicas.push_back({At(replica), "online", offset, 0});
  return facts;
}

inline NodeFacts ReplicaOf(const std::string& run_id, const std::string& master,
                           const std::string& replid = "set") {
  NodeFacts facts;
  facts.run_id = run_id;
  facts.role = Role::kReplica;
  facts.version = "7.0.15";
  facts.replid = replid;
  facts.master = At(master);
  facts.link_up = true;
  return facts;
}

// The same facts with something else about them.
inline NodeFacts With(NodeFacts facts, const std::function<void(NodeFacts&)>& change) {
  change(facts);
  return facts;
}

// What a poll of `node` brought.
struct Poll {
  enum class Kind { kFacts, kBusy, kFailed };
  Kind kind;
  std::string node;
  NodeFacts facts;
  std::string why;
};
inline Poll Says(const std::string& node, NodeFacts facts) {
  return {Poll::Kind::kFacts, node, std::move(facts), ""};
}
inline Poll IsBusy(const std::string& node) {
  return {Poll::Kind::kBusy, node, {}, ""};
}
inline Poll Fails(const std::string& node, const std::string& why = "refused") {
  return {Poll::Kind::kFailed, node, {}, why};
}

struct Step {
  const char* words;
  Poll poll;
  std::vector<std::string> events;
  std::string picture;
};

class Story {
 public:
  explicit Story(const std::vector<std::string>& nodes,
                 config::Discovery discovery = config::Discovery::kReplication,
                 std::chrono::milliseconds max_lag = std::chrono::seconds(10))
      : tracker_(Upstream(nodes, discovery), Routing(max_lag)) {}

  void Tell(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      const uint64_t epoch = tracker_.picture()->epoch;
      const auto before = tracker_.picture();
      EXPECT_EQ(Events(Poll_(step.poll)), step.events) << step.words;
      EXPECT_EQ(Picture(), step.picture) << step.words;
      // Another picture has another number, and the same one is the same object.
      const bool same = tracker_.picture() == before;
      EXPECT_EQ(same, tracker_.picture()->epoch == epoch) << step.words;
      EXPECT_GE(tracker_.picture()->epoch, epoch) << step.words;
      EXPECT_EQ(same, Plain(*before) == Plain(*tracker_.picture())) << step.words;
    }
  }

  // The same poll once more: nothing is told twice.
  void TellAgain(const Poll& poll) { EXPECT_EQ(Events(Poll_(poll)), std::vector<std::string>{}); }

  TopologyTracker& tracker() { return tracker_; }

  std::string Watched() const {
    std::string words;
    for (const auto& watch : tracker_.Watched())
      words += (words.empty() ? "" : " ") + watch.address.ToString();
    return words;
  }

  std::string Picture() const {
    const Topology& picture = *tracker_.picture();
    std::string words;
    for (const Node& node : picture.nodes) {
      words += words.empty() ? "" : " | ";
      words += std::string(node.up ? "" : "-") + node.address.ToString() + " " +
               std::string(ToString(node.role));
      if (picture.master == node.id) {
        words += "*";
      } else {
        words += node.readable ? " r" : " (" + node.why_not + ")";
      }
    }
    if (!picture.master) words += " NONE: " + picture.why_no_master;
    return words;
  }

 private:
  static config::UpstreamSettings Upstream(const std::vector<std::string>& nodes,
                                           config::Discovery discovery) {
    config::UpstreamSettings upstream;
    upstream.discovery = discovery;
    upstream.nodes.clear();
    for (const auto& node : nodes) upstream.nodes.push_back(At(node));
    return upstream;
  }
  static config::RoutingSettings Routing(std::chrono::milliseconds max_lag) {
    config::RoutingSettings routing;
    routing.max_replica_lag = max_lag;
    return routing;
  }

  static std::pair<std::vector<Node>, std::pair<std::optional<NodeId>, std::string>> Plain(
      const Topology& picture) {
    return {picture.nodes, {picture.master, picture.why_no_master}};
  }

  std::vector<Event> Poll_(const Poll& poll) {
    NodeId id = 999;
    for (const auto& watch : tracker_.Watched())
      if (watch.address == At(poll.node)) id = watch.id;
    switch (poll.kind) {
      case Poll::Kind::kFacts:
        return tracker_.OnFacts(id, poll.facts);
      case Poll::Kind::kBusy:
        return tracker_.OnBusy(id);
      case Poll::Kind::kFailed:
        return tracker_.OnFailed(id, poll.why);
    }
    return {};
  }

  std::vector<std::string> Events(const std::vector<Event>& events) const {
    std::vector<std::string> words;
    for (const Event& event : events) {
      const std::string node = tracker_.AddressOf(event.node);
      using Kind = Event::Kind;
      switch (event.kind) {
        case Kind::kNodeFound:
          words.push_back("found " + node);
          break;
        case Kind::kNodeForgotten:
          words.push_back("forgotten " + node);
          break;
        case Kind::kNodeUp:
          words.push_back("up " + node);
          break;
        case Kind::kNodeDown:
          words.push_back("down " + node + ": " + event.words);
          break;
        case Kind::kMasterIs:
          words.push_back("master " + node);
          break;
        case Kind::kNoMaster:
          words.push_back("no master: " + event.words);
          break;
        case Kind::kTwoMasters:
          words.push_back("two masters: " + event.words);
          break;
        case Kind::kReadable:
          words.push_back("readable " + node);
          break;
        case Kind::kNotReadable:
          words.push_back("unreadable " + node + ": " + event.words);
          break;
        case Kind::kRaiseNode:
          words.push_back("raise " + node + ": " + event.words);
          break;
        case Kind::kRaiseAll:
          words.push_back("RAISE ALL: " + event.words);
          break;
      }
    }
    return words;
  }

  TopologyTracker tracker_;
};

}  // namespace replication
