// The story, step by step: what one script lives through behind shacast.
//
// Each step is told with real commands and their real answers, and then checked: against what the
// story says, and against what the nodes themselves have counted.
//
// The main thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/demo/interrupts.h"
#include "proxy/demo/stage.h"
#include "proxy/demo/terminal.h"

namespace demo {

class Story {
 public:
  Story(Stage& stage, Interrupts& interrupts, Terminal& terminal);

  // Up to the end, or until a step fails or we are interrupted. True if every step was as told.
  bool Tell();

 private:
  struct Script {
    std::string body;
    std::string what;  // in words
    std::string sha;   // as shacast computed it
  };
  // What the nodes counted, by port: EVAL_RO and EVALSHA_RO since they started.
  struct Counts {
    int64_t with_body = 0;
    int64_t by_sha = 0;
  };
  using CountsByPort = std::map<int, Counts>;

  bool OnlyTheMasterKnows();
  bool AReplicaSaysNoScript();
  bool ShacastAnswers();
  bool WhoHoldsWhat();
  bool AThirdReplicaAttaches();
  bool TheBodyOnceMore();
  bool FlushedEverywhere();

  // Says the command and its answer.
  Answer Say(Client& client, int port, const std::vector<std::string>& args);
  // Calls the reading script by its sha, through shacast. True if every answer was right, and each
  // replica was sent the body with the first call that it got, and with no other.
  bool BodyOnceToEachReplica(int calls);
  std::vector<std::string> ReadCall() const;
  bool Holds(const StageNode& node, const Script& script) const;
  CountsByPort Count() const;
  // ... and what they counted since.
  CountsByPort CountSince(const CountsByPort& before) const;
  std::vector<Terminal::Row> Heads(const std::string& label) const;
  void ShowCounts(const CountsByPort& counts);
  // A row of PROXY NODES for each node of the stage; an empty answer where there is none.
  std::map<int, Answer> ProxyNodes();

  Stage& stage_;
  Interrupts& interrupts_;
  Terminal& terminal_;
  Script write_;
  Script read_;
};

}  // namespace demo
