// Agents without a model: baselines, test doubles and the players that environments ship.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/agent.h"

namespace turnhalle {

/// Says nothing.
std::unique_ptr<Agent> make_silent_agent();
/// Says far too much, with every tag it knows in it.
std::unique_ptr<Agent> make_spam_agent();
/// Hashes the conversation into one of a few answers: deterministic, depends on all it was shown.
std::unique_ptr<Agent> make_hash_agent();
/// Says `replies` one after another over the whole lifecycle, then nothing.
std::unique_ptr<Agent> make_script_agent(std::vector<std::string> replies);
/// Lets an environment's player act: expert, random, demonstrator.
std::unique_ptr<Agent> make_player_agent(std::unique_ptr<Player> player);

}  // namespace turnhalle
