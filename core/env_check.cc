#include "core/env_check.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/env_check_state.h"
#include "core/text.h"

namespace turnhalle {
namespace {

using env_check::Finding;
using env_check::Setting;

bool near(double a, double b) { return std::abs(a - b) <= 1e-9; }

// Watches one lifecycle: the rules of rewards, limits and texts, and the returns of its tasks.
struct Audit {
  Finding rewards;
  Finding limits;
  Finding texts;
  std::int64_t refused = 0;  ///< episodes that ended as agent_error
  std::int64_t broken = 0;   ///< episodes without a reward
  double sum = 0.0;          ///< of the solve episodes' returns before shaping
  std::int64_t tasks = 0;
};

double sum_of(const std::vector<RewardPart>& parts) {
  double sum = 0.0;
  for (const RewardPart& part : parts) sum += part.value;
  return sum;
}

class AuditRecorder final : public Recorder {
 public:
  AuditRecorder(Audit& audit, const EnvironmentSpec& spec) : audit_(audit), spec_(spec) {}

  void episode_started(std::int64_t, const EpisodeStart& start) override {
    kind_ = start.kind;
    turns_max_ = start.turns_max;
    return_ = 0.0;
    for (const Message& message : start.messages) text(message.content);
  }
  void turn_played(const TurnRecord& turn) override {
    const StepResult& result = turn.result;
    return_ += result.reward;
    text(result.observation);
    if (!result.parts.empty() && !near(sum_of(result.parts), result.reward)) {
      audit_.rewards = "the parts of a step do not add up to its reward";
    }
    if (turn.turn >= turns_max_) {
      audit_.limits = "turn " + std::to_string(turn.turn) + " of an episode of at most " +
                      std::to_string(turns_max_);
    }
  }
  void episode_ended(std::int64_t, const EpisodeEnd& end) override {
    text(end.feedback);
    audit_.refused += end.outcome == Outcome::agent_error ? 1 : 0;
    audit_.broken += is_infrastructure(end.outcome) ? 1 : 0;
    if (end.reward.has_value() == is_infrastructure(end.outcome)) {
      audit_.rewards = "an episode has a reward exactly when its outcome is not infrastructure's";
    }
    if (end.reward && !end.parts.empty() && !near(sum_of(end.parts), *end.reward)) {
      audit_.rewards = "the parts of an episode do not add up to its reward";
    }
    if (kind_ != EpisodeKind::solve) return;
    audit_.sum += return_;
    ++audit_.tasks;
    if (return_ < spec_.reward_low - 1e-9 || return_ > spec_.reward_high + 1e-9) {
      audit_.rewards = "a return of " + shortest(return_) + " is outside the declared bounds";
    }
    for (const RewardPart& part : end.parts) {
      if (part.name == "task" && !near(part.value, return_)) {
        audit_.rewards = "the rewards of the steps do not add up to the episode's return";
      }
    }
  }
  void lifecycle_ended() override {}

 private:
  void text(std::string_view words) {
    if (!is_utf8(words)) audit_.texts = "a text is not well-formed UTF-8";
  }
  Audit& audit_;
  const EnvironmentSpec& spec_;
  EpisodeKind kind_ = EpisodeKind::solve;
  std::int64_t turns_max_ = 0;
  double return_ = 0.0;
};

Finding check_players(const Setting& setting, const EnvironmentRegistry& registry) {
  std::vector<std::string> roles = {"expert", "random"};
  if (const EnvironmentEntry* entry = registry.find(setting.scenario.environment)) {
    roles.insert(roles.end(), entry->players.begin(), entry->players.end());
  }
  for (const std::string& role : roles) {
    if (setting.player(role) == nullptr) return "there is no player \"" + role + "\"";
  }
  return setting.player("no such role") == nullptr ? "" : "an unknown role has a player";
}

struct Scores {
  Audit audit;
  double mean = 0.0;
  double error = 0.0;  ///< standard error of the mean over lifecycles
};

Scores score(const Setting& setting, const std::string& role) {
  Scores scores;
  double sum = 0.0;
  double squares = 0.0;
  const std::int64_t count = setting.options.scored_lifecycles;
  for (std::int64_t index = 0; index < count; ++index) {
    const double before = scores.audit.sum;
    const std::int64_t tasks_before = scores.audit.tasks;
    const auto world = setting.world(
        setting.seed(), index,
        std::make_unique<AuditRecorder>(scores.audit, setting.scenario.family->spec()));
    const auto player = setting.player(role);
    world->start();
    while (!world->finished()) {
      world->deliver(reply_of(*player, world->conversation()));
    }
    const auto tasks = static_cast<double>(scores.audit.tasks - tasks_before);
    const double mean = tasks > 0 ? (scores.audit.sum - before) / tasks : 0.0;
    sum += mean;
    squares += mean * mean;
  }
  const auto n = static_cast<double>(std::max<std::int64_t>(count, 1));
  scores.mean = sum / n;
  scores.error = std::sqrt(std::max(0.0, squares / n - scores.mean * scores.mean) / n);
  return scores;
}

Finding judge_expert(const Scores& expert, const Scores& random) {
  if (expert.audit.refused > 0) return "the expert's reply is refused";
  if (expert.audit.broken > 0) return "the expert's episode breaks";
  const double noise = std::hypot(expert.error, random.error);
  if (expert.mean - random.mean <= 4.0 * noise) {
    return "the expert's mean return " + shortest(expert.mean) + " is not above that of random " +
           "play, " + shortest(random.mean);
  }
  return "";
}

std::vector<std::string> hostile_replies() {
  std::string zeros(3, '\0');
  return {"",
          " \n\t",
          std::string(200'000, 'a'),
          std::string(40'000, '<'),
          zeros,
          "\xff\xfe\xc0",
          "<answer>",
          "</answer><answer>",
          "<answer></answer>",
          "<answer><answer>Direction 1</answer></answer>",
          "<answer>Direction 1</answer><answer>Direction 2</answer>",
          "<answer>Direction 0</answer>",
          "<answer>Direction 5</answer>",
          "<answer>Direction -1</answer>",
          "<answer>Direction 18446744073709551617</answer>",
          "<answer>Direction \xe2\x80\xae\x31</answer>",
          "0",
          "-1",
          "10",
          "1e9",
          "nan",
          "99999999999999999999999999",
          "5 6",
          "<hint>",
          "</hint><hint>",
          "<hint></hint>",
          "<hint>\xff</hint>",
          "<hint>" + std::string(70'000, 'x') + "</hint>",
          "--- Start of updated hints ---",
          "{\"name\":\"x\",\"arguments\":{}}",
          "<tool_call>{\"name\":",
          std::string(2'000, '[')};
}

// The reply stands at turn `turn` of a lifecycle that is random play otherwise.
Finding check_hostile_at(const Setting& setting, const std::string& text, std::int64_t turn) {
  Audit audit;
  const auto world =
      setting.world(setting.seed(), turn,
                    std::make_unique<AuditRecorder>(audit, setting.scenario.family->spec()));
  const auto player = setting.player("random");
  world->start();
  for (std::int64_t i = 0; !world->finished(); ++i) {
    AgentReply reply = reply_of(*player, world->conversation());
    if (i == turn) reply.text = text;
    world->deliver(std::move(reply));
  }
  for (const Finding& finding : {audit.rewards, audit.limits, audit.texts}) {
    if (!finding.empty()) return finding;
  }
  return audit.broken == 0 ? "" : "it breaks the world";
}

Finding check_hostile(const Setting& setting) {
  for (const std::string& text : hostile_replies()) {
    for (const std::int64_t turn : {0, 1, 2, 5, 8}) {
      if (Finding finding = check_hostile_at(setting, text, turn); !finding.empty()) {
        return "reply \"" + one_line(shortened(text, 40)) + "\": " + finding;
      }
    }
    const auto environment = setting.scenario.family->make();
    environment->reset(env_check::task_of(setting.options.seed, 0));
    EventQueue queue;
    AgentReply reply;
    reply.text = text;
    const StepResult result = environment->step(kAgentSeat, reply, queue);
    if (!is_utf8(result.observation) || is_infrastructure(result.outcome)) {
      return "reply \"" + one_line(shortened(text, 40)) + "\" is answered with a fault";
    }
  }
  return "";
}

Finding check_options(const Setting& setting, const EnvironmentRegistry& registry) {
  Json root = setting.scenario.document;
  root["options"]["no_such_option"] = 1;
  const Result<JsonDocument> document = parse_json(root.dump(2), setting.scenario.file);
  if (!document) return document.error().text();
  const Result<Scenario> read = scenario_from(*document, registry);
  if (read) return "an unknown option is accepted";
  const bool named = read.error().text().find("no_such_option") != std::string::npos;
  return named ? "" : "the error about an unknown option does not name it";
}

class ChunkRecorder final : public Recorder {
 public:
  ChunkRecorder(const std::vector<std::string>& pieces, Finding& finding)
      : pieces_(pieces), finding_(finding) {}
  void episode_started(std::int64_t, const EpisodeStart& start) override {
    for (const Message& message : start.messages) read(message.content);
  }
  void turn_played(const TurnRecord& turn) override {
    read(turn.reply.text);
    if (turn.result.outcome == Outcome::running) read(turn.result.observation);
  }
  void episode_ended(std::int64_t, const EpisodeEnd& end) override { read(end.feedback); }
  void lifecycle_ended() override {}

 private:
  void read(const std::string& text) {
    std::size_t stuck = 0;
    if (finding_.empty() && count_pieces(text, pieces_, &stuck) < 0) {
      finding_ = "no piece begins \"" + one_line(shortened(text.substr(stuck), 40)) + "\" in \"" +
                 one_line(shortened(text, 120)) + "\"";
    }
  }
  const std::vector<std::string>& pieces_;
  Finding& finding_;
};

Finding check_chunks(const Setting& setting, const EnvironmentRegistry& registry) {
  const ContextWords words = setting.scenario.family->context_words();
  const EnvironmentEntry* entry = registry.find(setting.scenario.environment);
  if (words.chunks.empty() || entry == nullptr) return "";
  for (const std::string& stop : words.stops) {
    if (std::find(words.chunks.begin(), words.chunks.end(), stop) == words.chunks.end()) {
      return "the stop \"" + one_line(stop) + "\" is not one of the pieces";
    }
  }
  Finding finding;
  for (const std::string& role : entry->players) {
    for (std::int64_t index = 0; index < 8 * setting.options.lifecycles; ++index) {
      const auto world = setting.world(setting.seed(), index,
                                       std::make_unique<ChunkRecorder>(words.chunks, finding));
      const auto player = setting.player(role);
      world->start();
      while (!world->finished()) {
        world->deliver(reply_of(*player, world->conversation()));
      }
    }
  }
  return finding;
}

// The scenario without latencies, faults and events: the environment itself.
Result<Scenario> without_conditions(const Scenario& scenario, const EnvironmentRegistry& registry) {
  if (scenario.conditions == nullptr) return scenario;
  JsonDocument document{scenario.file, "", scenario.document};
  for (const char* key : {"latency", "faults", "events"}) document.root.erase(key);
  return scenario_from(document, registry);
}

CheckLine line(std::string name, Finding finding, std::string measured = "") {
  const bool passed = finding.empty();
  return {std::move(name), passed, passed ? std::move(measured) : std::move(finding)};
}

}  // namespace

std::vector<CheckLine> check_environment(const Scenario& scenario,
                                         const EnvironmentRegistry& registry,
                                         const LifecycleFactory& make_lifecycle,
                                         const EnvironmentCheckOptions& options) {
  const Setting setting{scenario, make_lifecycle, options};
  std::vector<CheckLine> lines;
  lines.push_back(line("players", check_players(setting, registry)));
  lines.push_back(line("options", check_options(setting, registry)));
  const Result<Scenario> bare = without_conditions(scenario, registry);
  if (!bare) lines.push_back(line("conditions", bare.error().text()));
  if (!lines.front().passed || !bare) {
    return lines;  // nothing else can be played
  }
  const Setting calm{*bare, make_lifecycle, options};
  lines.push_back(line("repeatable", env_check::check_repeatable(setting)));
  lines.push_back(line("threads", env_check::check_threads(setting)));
  lines.push_back(line("neighbours", env_check::check_neighbours(setting)));
  lines.push_back(line("fresh", env_check::check_fresh(calm)));
  lines.push_back(line("ended", env_check::check_ended(calm)));
  lines.push_back(line("snapshots", env_check::check_snapshots(setting)));
  lines.push_back(line("forks", env_check::check_forks(setting)));
  lines.push_back(line("hostile", check_hostile(calm)));
  lines.push_back(line("chunks", check_chunks(calm, registry)));
  const Scores expert = score(calm, "expert");
  const Scores random = score(calm, "random");
  const Audit disturbed = scenario.conditions == nullptr ? Audit{} : score(setting, "random").audit;
  lines.push_back(
      line("expert", judge_expert(expert, random),
           "mean return " + shortest(expert.mean) + ", random play " + shortest(random.mean)));
  lines.push_back(line("rewards", expert.audit.rewards + random.audit.rewards + disturbed.rewards));
  lines.push_back(line("limits", expert.audit.limits + random.audit.limits + disturbed.limits));
  return lines;
}

std::int64_t count_pieces(std::string_view text, const std::vector<std::string>& pieces,
                          std::size_t* stuck) {
  std::int64_t count = 0;
  for (std::size_t begin = 0; begin < text.size(); ++count) {
    std::size_t longest = 0;
    for (const std::string& piece : pieces) {
      if (piece.size() > longest && text.substr(begin).starts_with(piece)) {
        longest = piece.size();
      }
    }
    if (longest == 0) {
      if (stuck != nullptr) *stuck = begin;
      return -1;
    }
    begin += longest;
  }
  return count;
}

}  // namespace turnhalle
