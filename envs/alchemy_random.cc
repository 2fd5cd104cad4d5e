#include "envs/alchemy_random.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/key_bytes.h"
#include "envs/alchemy_players.h"
#include "envs/alchemy_text.h"
#include "envs/option_schema.h"
#include "envs/untimed_environment.h"

namespace turnhalle::alchemy {
namespace {

const std::array<std::string, 2> kMaterials = {"unlimited", "limited"};
constexpr std::int64_t kRoundsMax = 64;
constexpr std::int64_t kTargetsMax = 64;
constexpr std::int64_t kNamesMax = 255;

// What all instances of one family share.
struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  std::unique_ptr<const Wording> wording;
  EnvironmentSpec spec;
};

class Alchemy final : public UntimedEnvironment, public Observable {
 public:
  explicit Alchemy(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options), wording_(*fixed_->wording) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Seen& seen() const override { return seen_; }
  const Graph& hidden_graph() const override { return graph_; }

  Opening reset(const Task& task) override {
    draw_task(task);
    outcome_ = Outcome::running;
    return {wording_.system(seen_), wording_.first(seen_)};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    result.outcome = outcome_;
    if (outcome_ != Outcome::running) return result;
    Combination pair;
    if (!parse_action(seen_.elements, reply.text, pair)) {
      end(Outcome::agent_error, Ending::unreadable, result);
      return result;
    }
    attempt(pair);
    if (seen_.attempts.back().made == seen_.target) {
      result.reward = 1.0;
      result.parts.push_back({"made", 1.0});
      end(Outcome::done, Ending::made, result);
    } else if (materials_are_out()) {
      end(Outcome::done, Ending::materials, result);
    } else if (static_cast<std::int64_t>(seen_.attempts.size()) >= options_.rounds) {
      end(Outcome::truncated, Ending::rounds, result);
    } else {
      result.observation = wording_.next(seen_);
    }
    return result;
  }

  // The keys and the attempts: everything else follows from them.
  void snapshot(ByteWriter& out) const override {
    write_outcome(out);
    out.boolean(drawn_);
    write_key(out, task_.hidden);
    write_key(out, task_.task);
    out.i64(task_.number);
    out.u64(seen_.attempts.size());
    for (const Attempt& made : seen_.attempts) {
      out.u8(made.pair.first);
      out.u8(made.pair.second);
    }
  }

  bool restore(ByteReader& in) override {
    Outcome outcome;
    const bool known = read_outcome(in, outcome);
    const bool drawn = in.boolean();
    Task task;
    task.hidden = read_key(in);
    task.task = read_key(in);
    task.number = in.i64();
    const std::uint64_t count = in.count(2);
    if (!in.ok() || !known || task.number < 0 ||
        count > static_cast<std::uint64_t>(drawn ? options_.rounds : 0)) {
      return false;
    }
    *this = Alchemy(fixed_);
    if (drawn) draw_task(task);
    for (std::uint64_t i = 0; i < count; ++i) {
      const Element first = in.u8();
      const Element second = in.u8();
      if (first > second) return false;
      attempt({first, second});
    }
    outcome_ = outcome;
    seen_.over = outcome_ != Outcome::running;
    return in.ok() && (drawn || outcome_ == Outcome::truncated);
  }

  Json hidden_state() const override {
    Json recipes = Json::array();
    const auto name = [this](Element element) { return seen_.elements[element].name; };
    for (const auto& [pair, made] : graph_.recipes) {
      recipes.push_back(name(made) + " = " + name(pair.first) + " + " + name(pair.second));
    }
    Json inventory = Json::object();
    for (std::size_t i = 0; i < seen_.inventory.size(); ++i) {
      if (seen_.inventory[i] != 0) inventory[seen_.elements[i].name] = seen_.inventory[i];
    }
    return {{"recipes", recipes},
            {"target", drawn_ ? Json(name(seen_.target)) : Json()},
            {"inventory", inventory},
            {"rounds", seen_.attempts.size()}};
  }

 private:
  Alchemy& operator=(Alchemy&& other) noexcept {
    graph_ = std::move(other.graph_);
    seen_ = std::move(other.seen_);
    task_ = other.task_;
    drawn_ = other.drawn_;
    outcome_ = other.outcome_;
    return *this;
  }

  void draw_task(const Task& task) {
    task_ = task;
    drawn_ = true;
    static const std::vector<std::string> kWords;
    const bool compact = fixed_->style == PromptStyle::compact;
    graph_ = draw_graph(options_.graph, task.hidden, compact ? compact_names() : kWords);
    const std::vector<Element> targets = draw_targets(graph_, options_.targets, task.hidden);
    seen_ = {};
    seen_.elements = graph_.elements;
    seen_.tiers = graph_.tiers;
    seen_.target = targets[static_cast<std::size_t>(task.number) % targets.size()];
    seen_.rounds = options_.rounds;
    seen_.tier_gap_max = options_.graph.tier_gap_max;
    seen_.last_attempt_told = options_.last_attempt_told;
    if (options_.limited) seen_.copies = draw_copies(task);
    seen_.inventory.assign(graph_.elements.size(), 0);
    for (const Element element : graph_.tiers.front()) {
      seen_.inventory[element] = seen_.copies;
    }
  }

  // Enough for the known way, with some to spare for tries.
  std::int64_t draw_copies(const Task& task) const {
    const std::int64_t needed = copies_needed(graph_, seen_.target);
    const double share = Random(task.task.split("materials")).uniform(1.5, 2.0);
    const double wanted = std::floor(static_cast<double>(needed) * share + 0.5);
    return std::max(needed, static_cast<std::int64_t>(wanted));
  }

  void attempt(Combination pair) {
    Attempt made{pair, seen_.allows(pair), kNoElement};
    if (made.possible) {
      for (const Element input : {pair.first, pair.second}) {
        if (seen_.inventory[input] != kUnlimited) --seen_.inventory[input];
      }
      const auto recipe = graph_.recipes.find(pair);
      if (recipe != graph_.recipes.end()) {
        made.made = recipe->second;
        std::int64_t& copies = seen_.inventory[made.made];
        copies = seen_.limited() ? copies + 1 : kUnlimited;
      }
    }
    seen_.attempts.push_back(made);
  }

  bool materials_are_out() const {
    if (!seen_.limited()) return false;
    std::int64_t copies = 0;
    for (const std::int64_t count : seen_.inventory) copies += count;
    return copies < 2;
  }

  void end(Outcome outcome, Ending ending, StepResult& result) {
    outcome_ = outcome;
    seen_.over = true;
    result.outcome = outcome;
    result.observation = wording_.last(seen_, ending);
  }

  std::shared_ptr<const Fixed> fixed_;
  const Options& options_;
  const Wording& wording_;
  Graph graph_;
  Seen seen_;
  Task task_;
  bool drawn_ = false;
};

class AlchemyFamily final : public EnvironmentFamily {
 public:
  AlchemyFamily(const Options& options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->options = options;
    fixed->style = style;
    fixed->wording = make_wording(style);
    fixed->spec.name = "alchemy_random";
    fixed->spec.action_grammar = "<answer>name + name</answer>";
    fixed->spec.turns_max = options.rounds;
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override {
    if (fixed_->style == PromptStyle::compact) {
      return {"none", "none", compact_vocabulary(), {"</answer>", "</hint>"}};
    }
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  std::unique_ptr<Environment> make() const override { return std::make_unique<Alchemy>(fixed_); }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return alchemy::make_player(role, fixed_->style);
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  GraphOptions& graph = options.graph;
  graph.tiers = object.integer_pair("tiers", {2, 5}, graph.tiers);
  graph.base_elements = object.integer_pair("base_elements", {2, 8}, graph.base_elements);
  graph.shrink = object.number_pair("shrink", {0.1, 1.0}, graph.shrink);
  graph.recipes = object.integer_pair("recipes", {1, 3}, graph.recipes);
  graph.tier_gap_max = object.integer("tier_gap_max", {1, 4}, graph.tier_gap_max);
  graph.cross_tier_share =
      object.number_pair("cross_tier_share", {0.0, 1.0}, graph.cross_tier_share);
  graph.noise_share = object.number_pair("noise_share", {0.0, 1.0}, graph.noise_share);
  graph.noise_depth = object.integer("noise_depth", {0, 3}, graph.noise_depth);
  options.targets = object.integer("targets", {1, kTargetsMax}, options.targets);
  options.rounds = object.integer("rounds", {1, kRoundsMax}, options.rounds);
  options.limited = object.one_of("materials", kMaterials, kMaterials[0]) == kMaterials[1];
  options.last_attempt_told = object.boolean("last_attempt_told", options.last_attempt_told);
  const bool compact = style == PromptStyle::compact;
  if (compact && !compact_rounds(options.rounds)) {
    object.fail("rounds", "8 or 15 in the compact style");
  }
  const auto names = compact ? static_cast<std::int64_t>(compact_names().size()) : kNamesMax;
  if (const std::int64_t elements = elements_max(graph); elements > names) {
    object.fail("base_elements", "bounds that give at most " + std::to_string(names) +
                                     " elements in this style (these give up to " +
                                     std::to_string(elements) + ")");
  }
  object.finish();
  return std::make_shared<AlchemyFamily>(options, style);
}

Json options_schema() {
  Json properties = {{"tiers", pair_schema(integer_schema(2, 5), {3, 4})},
                     {"base_elements", pair_schema(integer_schema(2, 8), {3, 4})},
                     {"shrink", pair_schema(number_schema(0.1, 1.0), {0.4, 0.6})},
                     {"recipes", pair_schema(integer_schema(1, 3), 1)},
                     {"tier_gap_max", with_default(integer_schema(1, 4), 1)},
                     {"cross_tier_share", pair_schema(number_schema(0.0, 1.0), {0.0, 0.1})},
                     {"noise_share", pair_schema(number_schema(0.0, 1.0), 0.0)},
                     {"noise_depth", with_default(integer_schema(0, 3), 2)},
                     {"targets", with_default(integer_schema(1, kTargetsMax), 8)},
                     {"rounds", with_default(integer_schema(1, kRoundsMax), 8)},
                     {"materials", {{"enum", kMaterials}, {"default", kMaterials[0]}}},
                     {"last_attempt_told", boolean_schema(false)}};
  return options_object(std::move(properties));
}

}  // namespace

EnvironmentEntry entry() {
  return {"alchemy_random",
          "combine elements by hidden recipes until the target is made",
          {"demonstrator", "demonstrator_clean", "expert", "forgetful", "oracle", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::alchemy
