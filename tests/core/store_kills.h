// Kills a program that records, again and again, and looks at what it left each time.
//
// After every kill the store must open, pass SQLite's integrity_check, hold every turn that was
// acknowledged, and hold a prefix of what was played without gaps. The next program goes on with
// it and may be killed while it recovers. One that comes to its end must leave the digest of a
// run that nobody disturbed.
#pragma once

#include <cstdint>
#include <string>

namespace turnhalle {

/// A mistake put in on purpose, to see that the checks find it.
enum class KillPlant : std::uint8_t {
  none,
  early_acknowledgement,  ///< turns are acknowledged before they are flushed
};

struct KillOptions {
  std::string folder;  ///< for the store; best in memory: a kill loses nothing that was written
  std::int64_t kills = 200;
  std::uint64_t seed = 0;  ///< of the moments
  KillPlant plant = KillPlant::none;
};

struct KillReport {
  std::int64_t kills = 0;
  std::int64_t acknowledged = 0;  ///< turns that were acknowledged before a kill
  std::int64_t runs = 0;          ///< that came to their end with the right digest
  std::string problem;            ///< what was not as it should be; then it stopped. "": nothing
};

KillReport kill_recorders(const KillOptions& options);

}  // namespace turnhalle
