// What kind of command is this?
//
// Two sources, merged once for each master: the rows below, one for each command that shacast
// treats in its own way, and the flags of the master's own COMMAND reply for all others. So new
// versions and modules are right by themselves, and no fact is listed twice.
//
// Immutable after it was built; shared by all workers as shared_ptr<const>.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace resp {

// How a session treats a command. The names are those of the commands where there is one.
enum class Kind : uint8_t {
  kPlain,         // to a node, by its flags
  kEval,          // EVAL, EVAL_RO
  kEvalSha,       // EVALSHA, EVALSHA_RO
  kFunctionCall,  // FCALL, FCALL_RO: never rewritten, Redis replicates functions itself
  kFunctionKill,  // FUNCTION KILL: for every node, as SCRIPT KILL is
  kScript,        // SCRIPT ...
  kMulti,         // begins a transaction: a lease
  kExec,          //
  kDiscard,       //
  kWatch,         // a lease until EXEC, DISCARD or UNWATCH
  kUnwatch,       //
  kBlocking,      // waits in the server: a lease
  kBlockOption,   // XREAD, XREADGROUP: blocking with the word BLOCK
  kWait,          // WAIT, WAITAOF: blocking, and about the writes before it
  kSubscribe,     // SUBSCRIBE, UNSUBSCRIBE and their like: a lease while there are channels
  kPinning,       // leaves state in the connection that nobody follows: a lease for good
  kStream,        // MONITOR, SYNC, PSYNC: from here on bytes, not replies
  kSelect,        //
  kAuth,          //
  kHello,         //
  kReset,         //
  kQuit,          //
  kClient,        // CLIENT ...
  kInfo,          // INFO: with a section of ours
  kProxy,         // PROXY ...: ours
  kShutdown,      // refused unless the configuration passes it on
  kRoleChange,    // REPLICAOF, FAILOVER: to the master, and the topology is asked anew
  kCursor,        // SCAN and its like: the cursor is a node's own
  kCloses,        // Redis closes the connection at once, as it does for HTTP
};

struct Command {
  std::string name;  // lower case; "container|sub" for a subcommand
  Kind kind = Kind::kPlain;
  bool told = false;       // the server has it
  bool read_only = false;  // the server's flag
  bool may_write = false;  // it writes, or may be replicated: held back by CLIENT PAUSE WRITE
  int arity = 0;           // as the server counts: with its name; -n = n or more; 0 = unknown

  // A server refuses other numbers of arguments before it does anything.
  bool Takes(size_t args) const {
    return arity < 0 ? args >= static_cast<size_t>(-arity)
                     : arity == 0 || args == static_cast<size_t>(arity);
  }
};

// What the master's COMMAND reply says of one command or subcommand.
struct ServerCommand {
  std::string name;  // as the server writes it: lower case, "container|sub"
  bool read_only = false;
  bool blocking = false;
  int arity = 0;
  bool writes = false;
};

class CommandTable {
 public:
  // Only our own rows: until a master has told its flags everything else goes to the master.
  CommandTable();
  explicit CommandTable(const std::vector<ServerCommand>& from_server);

  // By name in any case of letters; `sub` is the first argument, for containers. Unknown commands
  // are plain writes: the master answers them. Never null.
  const Command& Find(std::string_view name, std::string_view sub) const;

  // Commands and subcommands that the server told of; 0 = not yet.
  size_t known() const { return known_; }

 private:
  static constexpr size_t kLongestName = 32;

  struct Slot {
    uint64_t hash = 0;
    uint32_t index = 0;  // into commands_, plus one; 0 = empty
    bool container = false;
  };

  void Index();
  const Slot* Lookup(std::string_view lower) const;

  std::vector<Command> commands_;
  std::vector<Slot> slots_;  // open addressing, a power of two
  Command unknown_;
  size_t known_ = 0;
};

// Case-insensitive equality with a word in upper case.
bool EqualsWord(std::string_view text, std::string_view upper);

}  // namespace resp
