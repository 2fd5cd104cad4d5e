#include "envs/tool_api/players.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/text.h"
#include "core/tool_call_text.h"
#include "envs/tool_api/random_call.h"
#include "envs/tool_api/session.h"

namespace turnhalle::tool_api {
namespace {

const Session& session_of(const PlayerView& view) {
  const auto* session = dynamic_cast<const Session*>(&view.environment);
  check(session != nullptr, "a player of tool_api plays tool_api");
  return *session;
}

class ToolPlayer : public Player {
 public:
  explicit ToolPlayer(PromptStyle style) : style_(style) {}
  std::string play(const PlayerView& view, RandomKey key) final {
    if (view.kind == EpisodeKind::update_context) {
      return style_ == PromptStyle::compact ? " <hint> none</hint>"
                                            : "--- Start of updated hints ---\nLook things up "
                                              "before changing them.\n--- End of updated hints ---";
    }
    const Session& session = session_of(view);
    if (session.task() == nullptr || session.turn() >= std::ssize(session.task()->turns)) return "";
    return act(session, key);
  }

 protected:
  virtual std::string act(const Session& session, RandomKey key) = 0;

 private:
  PromptStyle style_;
};

// The gold calls of the turn that were not carried out yet, in their order.
std::vector<const GoldCall*> gold_left(const Session& session, const UserTurn& turn) {
  std::vector<std::uint64_t> made;
  for (const CallRecord& call : session.calls()) {
    if (call.turn == session.turn() && call.result != 0) made.push_back(call.call);
  }
  std::vector<const GoldCall*> left;
  for (const GoldCall& gold : turn.gold) {
    const Tool* tool = session.fixed().pack.api.find(gold.tool);
    std::vector<Value> arguments;
    bind_arguments(*tool, gold.arguments, arguments);
    const auto found = std::find(made.begin(), made.end(), hash_of_call(*tool, arguments));
    if (found == made.end()) {
      left.push_back(&gold);
    } else {
      made.erase(found);
    }
  }
  return left;
}

class Expert final : public ToolPlayer {
 public:
  using ToolPlayer::ToolPlayer;

 private:
  std::string act(const Session& session, RandomKey) override {
    const UserTurn& turn = session.task()->turns[static_cast<std::size_t>(session.turn())];
    if (!turn.checked) return "Something that I need for this is missing. Can you give it to me?";
    std::string calls;
    for (const GoldCall* gold : gold_left(session, turn)) {
      const Tool* tool = session.fixed().pack.api.find(gold->tool);
      if (tool->kind != ToolKind::read && !calls.empty()) break;
      calls += tool_call_text(tool->name, gold->arguments);
      if (tool->kind != ToolKind::read) break;
    }
    return calls.empty() ? words(turn) : calls;
  }

  static std::string words(const UserTurn& turn) {
    std::string text = turn.refuse.empty() ? "Done." : "Sorry: " + turn.refuse.front() + ".";
    for (const std::string& part : turn.communicate) text += " " + part + ".";
    return text;
  }
};

class RandomCaller final : public ToolPlayer {
 public:
  using ToolPlayer::ToolPlayer;

 private:
  std::string act(const Session& session, RandomKey key) override {
    Random random(key);
    const std::vector<const Tool*> tools = session.offered();
    if (tools.empty() || random.chance(1, 3)) return "Done.";
    const Tool& tool = *tools[random.below(tools.size())];
    return tool_call_text(tool.name, ArgumentDrawer(session.state(), random).arguments(tool));
  }
};

class Idler final : public ToolPlayer {
 public:
  using ToolPlayer::ToolPlayer;

 private:
  std::string act(const Session&, RandomKey) override { return "Done."; }
};

class Spammer final : public ToolPlayer {
 public:
  using ToolPlayer::ToolPlayer;

 private:
  std::string act(const Session& session, RandomKey) override {
    return "I cannot say more than " + canonical_text(session.state());
  }
};

// Hands over to a person where a tool does that, and says so.
class Transferrer final : public ToolPlayer {
 public:
  using ToolPlayer::ToolPlayer;

 private:
  std::string act(const Session& session, RandomKey key) override {
    const auto& calls = session.calls();
    const bool called = std::any_of(calls.begin(), calls.end(), [&](const CallRecord& call) {
      return call.turn == session.turn();
    });
    Random random(key);
    for (const Tool* tool : session.offered()) {
      if (called || tool->name.find("transfer_to") == std::string::npos) continue;
      return tool_call_text(tool->name, ArgumentDrawer(session.state(), random).arguments(*tool));
    }
    return "You are being transferred to a person.";
  }
};

}  // namespace

std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style) {
  if (role == "expert") return std::make_unique<Expert>(style);
  if (role == "random") return std::make_unique<RandomCaller>(style);
  if (role == "nothing") return std::make_unique<Idler>(style);
  if (role == "spam") return std::make_unique<Spammer>(style);
  if (role == "transfer") return std::make_unique<Transferrer>(style);
  return nullptr;
}

}  // namespace turnhalle::tool_api
