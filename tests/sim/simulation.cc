#include "tests/sim/simulation.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "agents/agent_spec.h"
#include "core/conditions.h"
#include "core/pool.h"
#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle::simulation {
namespace {

// Everything that was seen of one lifecycle.
struct Story {
  std::string bytes;
  std::int64_t arrived = 0;           // actions that reached the environment, if counted
  std::map<std::string, int> ledger;  // injected faults, by kind
  std::vector<AgentReply> replies;
  std::vector<std::size_t> bytes_before;  // of each reply's turn
  std::string finding;                    // of the checkers that listen
};

// Draws what a seed stands for.
struct Setting {
  std::string scenario_file;
  std::string agent;
  Json document;
  std::int64_t lifecycles = 1;
  std::vector<int> threads;  // each is compared with one thread
  std::string repeat;        // the command line's words for it
  // When set, nothing but faults takes time: a lost answer this, a slow one that.
  std::optional<SimDuration> lost_takes = {};
  SimDuration slow_takes = {};

  std::string words() const {
    return std::filesystem::path(scenario_file).stem().string() + ", " + agent + ", " +
           std::to_string(lifecycles) + " lifecycles on up to " + std::to_string(threads.back()) +
           " threads, faults " + canonical(document.value("faults", Json::array()));
  }
};

const char* const kErrorText = "E17 unavailable";

Json draw_fault(FaultKind kind, Random& random) {
  const double rates[] = {0.01, 0.1, 0.5};
  Json rule = {{"kind", std::string(turnhalle::name_of(kind))}, {"rate", rates[random.below(3)]}};
  if (kind == FaultKind::error || kind == FaultKind::partial_effect) rule["message"] = kErrorText;
  if (kind == FaultKind::timeout || kind == FaultKind::lost_reply) {
    rule["after_ms"] = random.between(0, 5000);
  }
  if (kind == FaultKind::slow) rule["delay"] = random.between(1, 20'000);
  if (kind == FaultKind::schema_drift) rule["rename"] = {{"Step", "Move"}, {"you", "thou"}};
  if (random.chance(1, 4)) rule["window"] = {{"turns", {random.between(0, 2), 5}}};
  if (random.chance(1, 4)) rule["target"] = "action";
  return rule;
}

Json draw_latency(Random& random) {
  switch (random.below(4)) {
    case 0:
      return random.between(0, 1000);
    case 1:
      return {{"kind", "uniform"}, {"low_ms", 10}, {"high_ms", random.between(10, 5000)}};
    case 2:
      return {{"kind", "log_normal"}, {"median_ms", 300}, {"sigma", 1}};
    default:
      return {{"kind", "recorded"}, {"ms", {1, 250, 4000}}};
  }
}

std::vector<std::string> scenario_files(const std::string& root) {
  std::vector<std::string> files;
  for (const auto& item : std::filesystem::directory_iterator(root + "/scenarios")) {
    if (item.path().extension() == ".json") files.push_back(item.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Setting draw_setting(const std::string& root, std::uint64_t seed) {
  Random random(RandomKey::from_seed(seed).split("simulation"));
  const std::vector<std::string> files = scenario_files(root);
  Setting setting;
  setting.scenario_file = files[random.below(files.size())];
  setting.document = read_json(setting.scenario_file).value().root;
  const char* const agents[] = {"random", "random", "hash", "silent", "spam", "expert"};
  setting.agent = agents[random.below(6)];
  if (random.chance(1, 4)) setting.agent += "+fault:error@0.02";
  if (random.chance(1, 4)) setting.agent += "+delay:2s";
  setting.lifecycles = random.between(1, 3);
  setting.threads = {random.chance(1, 2) ? 2 : 4};
  setting.repeat = "--first " + std::to_string(seed) + " --seeds 1";
  Json faults = Json::array();
  for (int kind = 0; kind < kFaultKinds; ++kind) {
    if (random.chance(1, 3)) faults.push_back(draw_fault(static_cast<FaultKind>(kind), random));
  }
  setting.document["faults"] = std::move(faults);
  if (random.chance(2, 3)) {
    setting.document["latency"] = {{"agent", draw_latency(random)},
                                   {"action", draw_latency(random)}};
  }
  if (random.chance(1, 2)) {
    setting.document["events"] = {{{"at_ms", random.between(0, 3000)},
                                   {"every_ms", random.between(200, 5000)},
                                   {"times", 40},
                                   {"text", "The clock strikes."}}};
  }
  return setting;
}

// What is certain to be in an answer whose names have drifted.
const char* const kDrifted = "Zdrift";

// The first scenario of an environment under one kind of fault, and nothing else.
Setting fault_setting(const std::string& root, const std::string& environment, FaultKind kind) {
  Setting setting;
  for (const std::string& file : scenario_files(root)) {
    Json document = read_json(file).value().root;
    if (!setting.scenario_file.empty() || document.at("environment") != environment) continue;
    setting.scenario_file = file;
    setting.document = std::move(document);
  }
  const std::string name(turnhalle::name_of(kind));
  Json rule = {{"kind", name}, {"rate", 0.5}};
  if (kind == FaultKind::error || kind == FaultKind::partial_effect) rule["message"] = kErrorText;
  if (kind == FaultKind::timeout || kind == FaultKind::lost_reply) rule["after_ms"] = 700;
  if (kind == FaultKind::slow) rule["delay"] = 1300;
  if (kind == FaultKind::schema_drift) {
    rule["rename"] = {{"Step", kDrifted},   {"Round", kDrifted}, {"the", kDrifted},
                      {"t", kDrifted},      {"You", kDrifted},   {"guess", kDrifted},
                      {"Higher", kDrifted}, {"Lower", kDrifted}, {"is", kDrifted},
                      {"left", kDrifted},   {"passes", kDrifted}};
  }
  for (const char* key : {"latency", "events", "limits"}) setting.document.erase(key);
  setting.document["faults"] = {std::move(rule)};
  setting.agent = "random";
  setting.lifecycles = 4;
  setting.threads = {2, 4};
  setting.repeat = "--environment " + environment + " --fault " + name;
  setting.lost_takes = milliseconds(700);
  setting.slow_takes = milliseconds(1300);
  return setting;
}

// Counts the actions that reach an environment, below the conditions. Its state is that of the
// environment.
class CountedEnvironment final : public Environment {
 public:
  CountedEnvironment(std::unique_ptr<Environment> inner, std::int64_t& arrived)
      : inner_(std::move(inner)), arrived_(arrived) {}
  const EnvironmentSpec& spec() const override { return inner_->spec(); }
  const Environment& unwrapped() const override { return inner_->unwrapped(); }
  Json hidden_state() const override { return inner_->hidden_state(); }
  Opening reset(const Task& task) override { return inner_->reset(task); }
  StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) override {
    ++arrived_;
    return inner_->step(seat, reply, scheduler);
  }
  StepResult step_in_part(Seat seat, const AgentReply& reply, Scheduler& scheduler) override {
    ++arrived_;
    return inner_->step_in_part(seat, reply, scheduler);
  }
  StepResult advance(const Event& event, Scheduler& scheduler) override {
    return inner_->advance(event, scheduler);
  }
  void snapshot(ByteWriter& out) const override { inner_->snapshot(out); }
  bool restore(ByteReader& in) override { return inner_->restore(in); }

 private:
  std::unique_ptr<Environment> inner_;
  std::int64_t& arrived_;
};

class CountedFamily final : public EnvironmentFamily {
 public:
  CountedFamily(std::shared_ptr<const EnvironmentFamily> inner, std::int64_t& arrived)
      : inner_(std::move(inner)), arrived_(arrived) {}
  const EnvironmentSpec& spec() const override { return inner_->spec(); }
  ContextWords context_words() const override { return inner_->context_words(); }
  std::unique_ptr<Environment> make() const override {
    return std::make_unique<CountedEnvironment>(inner_->make(), arrived_);
  }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return inner_->make_player(role);
  }

 private:
  std::shared_ptr<const EnvironmentFamily> inner_;
  std::int64_t& arrived_;
};

// Listens to one world and judges every call.
class Witness final : public Recorder {
 public:
  /// Whether actions are counted is the maker's choice: story.arrived stays 0 if not.
  Witness(Story& story, const Setting& setting, bool counted)
      : story_(story), setting_(setting), counted_(counted) {}

  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    story_.bytes += canonical_start(episode, start);
    solves_ = start.kind == EpisodeKind::solve;
    turns_max_ = start.turns_max;
    turns_ = 0;
    require(!over_, "nothing happens after the end");
  }

  void turn_played(const TurnRecord& turn) override {
    story_.replies.push_back(turn.reply);
    story_.bytes_before.push_back(story_.bytes.size());
    story_.bytes += canonical_turn(turn);
    require(++turns_ <= turns_max_, "an episode keeps its turn limit");
    check_time(turn);
    check_ledger(turn);
    check_effects(turn);
    require(std::isfinite(turn.result.reward), "rewards are finite");
    outcome_ = turn.result.outcome;
  }

  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    story_.bytes += canonical_end(episode, end);
    const bool infrastructure =
        end.outcome == Outcome::environment_error || end.outcome == Outcome::infrastructure_error;
    require(end.reward.has_value() != infrastructure,
            "infrastructure faults have no reward, all else has one");
    require(end.outcome == outcome_, "an episode ends as its last turn says");
    broken_ = infrastructure;
  }

  void lifecycle_ended() override { over_ = true; }

 private:
  void require(bool holds, const char* rule) {
    if (!holds && story_.finding.empty()) {
      story_.finding = std::string(rule) + ", turn " + std::to_string(story_.replies.size());
    }
  }

  void check_time(const TurnRecord& turn) {
    require(turn.asked >= now_, "time does not run backwards");
    require(turn.asked <= turn.replied, "a reply comes after the question");
    require(turn.replied <= turn.finished || turn.result.outcome != Outcome::running,
            "a turn finishes after its reply");
    SimTime last = turn.asked;
    for (const Event& event : turn.events) {
      require(event.time >= last, "no event lies in the past");
      last = event.time;
    }
    now_ = turn.finished;
  }

  // The symptoms that an agent sees against what the ledger says.
  void check_ledger(const TurnRecord& turn) {
    std::map<std::string, int> ledger = ledger_of(turn);
    for (const auto& [kind, times] : ledger) story_.ledger[kind] += times;
    std::string seen = turn.result.observation;
    for (const Message& answer : turn.result.tool_results) seen += "\n" + answer.content;
    const auto count = [&seen](const std::string& words) {
      int times = 0;
      for (std::size_t at = seen.find(words); at != std::string::npos;
           at = seen.find(words, at + 1)) {
        ++times;
      }
      return times;
    };
    require(count("No answer came within") == ledger["timeout"] + ledger["lost_reply"],
            "timeouts and lost replies seen are those of the ledger");
    require(count(kErrorText) == ledger["error"] + ledger["partial_effect"],
            "errors seen are those of the ledger");
    require(count("No reply.") == ledger["dropped_user_reply"],
            "dropped replies seen are those of the ledger");
    const bool crashed = seen.find("crashed (injected)") != std::string::npos;
    require(crashed == (ledger["crash"] > 0), "crashes seen are those of the ledger");
    require(turn.result.outcome != Outcome::environment_error || crashed,
            "an environment breaks only when it is made to");
    require(!setting_.lost_takes || (count(kDrifted) > 0) == (ledger["schema_drift"] > 0),
            "drifted names seen are those of the ledger");
  }

  // What reached the environment, and how long it took, against what the ledger says. An episode
  // that ends may do so before the second of two equal actions or before an answer is lost.
  void check_effects(const TurnRecord& turn) {
    const std::int64_t arrived = story_.arrived - arrived_before_;
    arrived_before_ = story_.arrived;
    if (turn.result.outcome != Outcome::running || !turn.reply.tool_calls.empty()) return;
    std::map<std::string, int> ledger = ledger_of(turn);
    const int stopped = ledger["timeout"] + ledger["error"] + ledger["crash"];
    require(!counted_ || !solves_ || arrived == 1 + ledger["duplicate"] - stopped,
            "actions arrive as the ledger says");
    if (!setting_.lost_takes) return;
    const std::int64_t lost = ledger["timeout"] + ledger["lost_reply"];
    require(turn.finished.ns - turn.replied.ns ==
                lost * setting_.lost_takes->ns + ledger["slow"] * setting_.slow_takes.ns,
            "turns last as the ledger says");
  }

  static std::map<std::string, int> ledger_of(const TurnRecord& turn) {
    std::map<std::string, int> ledger;
    for (const Event& event : turn.events) {
      if (event.kind == kFaultEvent) {
        ++ledger[Json::parse(event.payload).at("kind").get<std::string>()];
      }
    }
    return ledger;
  }

  Story& story_;
  const Setting& setting_;
  bool counted_;
  bool solves_ = true;
  std::int64_t arrived_before_ = 0;
  std::int64_t turns_max_ = 0;
  std::int64_t turns_ = 0;
  SimTime now_;
  Outcome outcome_ = Outcome::running;
  bool over_ = false;
  bool broken_ = false;
};

std::atomic<std::int64_t> shared_counter{0};

// A lifecycle with a mistake in it.
class PlantedLifecycle final : public Lifecycle {
 public:
  PlantedLifecycle(std::unique_ptr<Lifecycle> inner, Plant plant)
      : inner_(std::move(inner)), plant_(plant) {}
  const EnvironmentSpec& spec() const override { return inner_->spec(); }
  const Environment& environment() const override { return inner_->environment(); }
  Json hidden_state() const override { return inner_->hidden_state(); }
  std::optional<EpisodeStart> next_episode(std::span<const Message> conversation) override {
    return inner_->next_episode(conversation);
  }
  StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) override {
    ++turns_;
    return spoil(inner_->step(seat, reply, scheduler));
  }
  StepResult advance(const Event& event, Scheduler& scheduler) override {
    return spoil(inner_->advance(event, scheduler));
  }
  EpisodeEnd end_episode(Outcome outcome, std::int64_t turns) override {
    EpisodeEnd end = inner_->end_episode(outcome, turns);
    if (plant_ == Plant::reward_for_a_crash && !end.reward) end.reward = 0.0;
    return end;
  }
  void snapshot(ByteWriter& out) const override {
    inner_->snapshot(out);
    if (plant_ != Plant::forgotten_state) out.i64(turns_);
  }
  bool restore(ByteReader& in) override {
    if (!inner_->restore(in)) return false;
    if (plant_ != Plant::forgotten_state) turns_ = in.i64();
    return in.ok();
  }
  std::unique_ptr<Lifecycle> fork() const override {
    auto copy = std::make_unique<PlantedLifecycle>(inner_->fork(), plant_);
    copy->turns_ = turns_;
    return copy;
  }

 private:
  StepResult spoil(StepResult result) {
    if (plant_ == Plant::silent_fault) result.faults.clear();
    if (plant_ == Plant::shared_state) result.observation += std::to_string(shared_counter++);
    if (plant_ == Plant::forgotten_state) result.observation += std::to_string(turns_);
    return result;
  }

  std::unique_ptr<Lifecycle> inner_;
  Plant plant_;
  std::int64_t turns_ = 0;
};

/// One seed, from its drawing to the last rule.
class Trial {
 public:
  Trial(Setting setting, std::uint64_t seed, Plant plant)
      : seed_(seed), plant_(plant), setting_(std::move(setting)) {}

  std::optional<Failure> run() {
    JsonDocument document{setting_.scenario_file, "", setting_.document};
    Result<Scenario> scenario = scenario_from(document, all_environments());
    if (!scenario) return failure("the scenario reads", scenario.error().text());
    scenario_ = std::make_unique<const Scenario>(*std::move(scenario));
    for (const char* key : {"faults", "latency", "events"}) document.root.erase(key);
    bare_ = scenario_from(document, all_environments()).value().family;
    std::vector<Story> alone = play(1);
    for (const Story& story : alone) {
      if (!story.finding.empty()) return failure(story.finding, "");
      for (const auto& [kind, times] : story.ledger) injected_[kind] += times;
    }
    for (const int threads : setting_.threads) {
      const std::vector<Story> together = play(threads);
      for (std::size_t i = 0; i < alone.size(); ++i) {
        if (alone[i].bytes != together[i].bytes) {
          return failure("threads change nothing", "lifecycle " + std::to_string(i));
        }
      }
    }
    for (std::size_t i = 0; i < alone.size(); ++i) {
      if (auto found = check_again(alone[i], i)) {
        return failure(*found, "lifecycle " + std::to_string(i));
      }
    }
    return std::nullopt;
  }

  /// How often each kind of fault was injected.
  const std::map<std::string, int>& injected() const { return injected_; }
  Failure failure(std::string rule, const std::string& place) const {
    Failure found{seed_, std::move(rule), setting_.words(), ""};
    if (!place.empty()) found.detail = place + "; " + found.detail;
    found.repeat = "simulation " + setting_.repeat;
    if (plant_ != Plant::none) found.repeat += " --plant " + simulation::name_of(plant_);
    return found;
  }

 private:
  // The scenario outlives the world.
  std::unique_ptr<World> make_world(const Scenario& scenario, LifecycleIndex index, Story& story,
                                    bool counted) const {
    std::unique_ptr<Lifecycle> lifecycle = make_lifecycle(scenario, seeds(), index);
    if (plant_ != Plant::none) {
      lifecycle = std::make_unique<PlantedLifecycle>(std::move(lifecycle), plant_);
    }
    return std::make_unique<World>(std::move(lifecycle),
                                   WorldOptions{index, seeds().agent(index), scenario.limits},
                                   std::make_unique<Witness>(story, setting_, counted));
  }
  RunSeed seeds() const { return {seed_, Split::test, 0}; }

  std::vector<Story> play(int threads) const {
    std::vector<Story> stories(static_cast<std::size_t>(setting_.lifecycles));
    std::vector<LifecycleIndex> indices;
    std::vector<Scenario> counted(stories.size(), *scenario_);
    for (std::size_t i = 0; i < stories.size(); ++i) {
      indices.push_back({static_cast<std::int64_t>(i)});
      counted[i].family = under_conditions(
          std::make_shared<const CountedFamily>(bare_, stories[i].arrived), scenario_->conditions);
    }
    const AgentSpec spec = parse_agent(setting_.agent).value();
    const AgentFactory agents = make_agent_factory(spec, *scenario_).value();
    PoolTask task;
    task.make_world = [&](LifecycleIndex index) {
      const auto i = static_cast<std::size_t>(index.value);
      return make_world(counted[i], index, stories[i], true);
    };
    task.make_agent = [&](LifecycleIndex index) {
      return with_latency(agents(index), scenario_->conditions->agent);
    };
    task.finished = [](World&, LifecycleIndex) {};
    PoolOptions options;
    options.threads = threads;
    if (Result<bool> played = play_all(indices, task, options); !played) {
      stories.front().finding = "a world plays to its end: " + played.error().text();
    }
    return stories;
  }

  // Replays, forks and restores; the rule that does not hold.
  std::optional<std::string> check_again(const Story& story, std::size_t number) const {
    Random random(RandomKey::from_seed(seed_).split("fork").split(number));
    const std::size_t fork_at = random.below(story.replies.size());
    const LifecycleIndex index{static_cast<std::int64_t>(number)};
    Story again;
    Story forked;
    Story restored;
    const auto world = make_world(*scenario_, index, again, false);
    std::unique_ptr<World> fork;
    const auto copy = make_world(*scenario_, index, restored, false);
    world->start();
    for (std::size_t i = 0; i < story.replies.size(); ++i) {
      if (world->finished()) return "a replay ends when its record does";
      if (i == fork_at) {
        fork = world->fork(world->options(), std::make_unique<Witness>(forked, setting_, false));
        const std::string state = world->snapshot();
        if (!copy->restore(state) || copy->snapshot() != state) {
          return "a state is read back as it was saved";
        }
      }
      world->deliver(story.replies[i]);
      if (fork != nullptr) {
        fork->deliver(story.replies[i]);
        copy->deliver(story.replies[i]);
      }
    }
    const std::string suffix = story.bytes.substr(story.bytes_before[fork_at]);
    if (again.bytes != story.bytes) return "a replay gives the same bytes";
    if (forked.bytes != suffix) return "a fork goes on to the same bytes";
    if (restored.bytes != suffix) return "a restored world goes on to the same bytes";
    return std::nullopt;
  }

  std::uint64_t seed_;
  Plant plant_;
  Setting setting_;
  std::unique_ptr<const Scenario> scenario_;
  std::shared_ptr<const EnvironmentFamily> bare_;  // without conditions
  std::map<std::string, int> injected_;
};

}  // namespace

std::string name_of(Plant plant) {
  const char* const names[] = {"none", "reward_for_a_crash", "shared_state", "forgotten_state",
                               "silent_fault"};
  return names[static_cast<std::size_t>(plant)];
}

std::optional<Failure> run_seed(const std::string& root, std::uint64_t seed, Plant plant) {
  return Trial(draw_setting(root, seed), seed, plant).run();
}

std::optional<Failure> run_fault(const std::string& root, const std::string& environment,
                                 FaultKind kind, Plant plant) {
  Trial trial(fault_setting(root, environment, kind), 1, plant);
  std::optional<Failure> found = trial.run();
  if (!found && !trial.injected().contains(std::string(turnhalle::name_of(kind)))) {
    found = trial.failure("the fault is injected at all", "");
  }
  return found;
}

}  // namespace turnhalle::simulation
