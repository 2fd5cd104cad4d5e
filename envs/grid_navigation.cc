#include "envs/grid_navigation.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/key_bytes.h"
#include "envs/grid_players.h"
#include "envs/grid_text.h"
#include "envs/option_schema.h"
#include "envs/untimed_environment.h"

namespace turnhalle::grid {
namespace {

constexpr std::int64_t kHillsMax = 12;
constexpr std::int64_t kRoundsMax = 9;
constexpr std::int64_t kUnknown = -1;

// What all instances of one family share.
struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  std::unique_ptr<const Wording> wording;
  EnvironmentSpec spec;
};

class Navigation final : public UntimedEnvironment, public Observable {
 public:
  explicit Navigation(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options), wording_(*fixed_->wording) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Seen& seen() const override { return seen_; }
  const CostMap& hidden_map() const override { return map_; }

  Opening reset(const Task& task) override {
    const bool remembers =
        options_.map_remembered && drawn_ && task.position > 0 && task.hidden == hidden_;
    draw_map_of(task.hidden);
    if (!remembers) seen_.known = CostMap(map_.side, kUnknown);
    const std::int64_t rounds =
        Random(task.task.split("rounds")).between(options_.rounds.first, options_.rounds.second);
    begin(draw_trip(map_.side, rounds, task.task));
    outcome_ = Outcome::running;
    return {wording_.system, wording_.state(seen_)};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    result.outcome = outcome_;
    if (outcome_ != Outcome::running) return result;
    Cell to;
    if (!parse_cell(reply.text, to)) {
      end(Outcome::agent_error, Ending::unreadable, result);
    } else if (!map_.has(to) || !in_line(seen_.position, to)) {
      end(Outcome::agent_error, Ending::illegal, result);
    } else {
      move(to);
      if (seen_.moves < seen_.trip.rounds) {
        result.observation = wording_.state(seen_);
      } else if (seen_.position == seen_.trip.goal) {
        result.reward = 1.0 - seen_.paid.mean() / 100.0;
        result.parts.push_back({"trip", result.reward});
        end(Outcome::done, Ending::goal, result);
      } else {
        end(Outcome::done, Ending::missed, result);
      }
    }
    return result;
  }

  // The key of the map, what of it is known, and the trip.
  void snapshot(ByteWriter& out) const override {
    write_outcome(out);
    out.boolean(drawn_);
    write_key(out, hidden_);
    std::string revealed;
    for (const std::int64_t cost : seen_.known.values) revealed += cost == kUnknown ? '0' : '1';
    out.string(revealed);
    for (const Cell cell : {seen_.trip.start, seen_.trip.goal, seen_.position}) {
      out.u8(static_cast<std::uint8_t>(cell.row));
      out.u8(static_cast<std::uint8_t>(cell.column));
    }
    out.i64(seen_.trip.rounds);
    out.i64(seen_.moves);
    out.f64(seen_.paid.sum);
    out.i64(seen_.paid.cells);
  }

  bool restore(ByteReader& in) override;

  Json hidden_state() const override {
    Json rows = Json::array();
    for (std::int64_t row = 0; row < map_.side; ++row) {
      Json costs = Json::array();
      for (std::int64_t column = 0; column < map_.side; ++column) {
        costs.push_back(map_[{row, column}]);
      }
      rows.push_back(std::move(costs));
    }
    const auto pair = [](Cell cell) { return Json{cell.row, cell.column}; };
    return {{"costs", rows},
            {"goal", pair(seen_.trip.goal)},
            {"position", pair(seen_.position)},
            {"rounds", seen_.trip.rounds},
            {"moves", seen_.moves}};
  }

 private:
  void draw_map_of(RandomKey hidden) {
    if (drawn_ && hidden == hidden_) return;
    hidden_ = hidden;
    drawn_ = true;
    map_ = draw_map(options_.map, hidden);
  }

  void begin(const Trip& trip) {
    seen_.trip = trip;
    seen_.position = trip.start;
    seen_.moves = 0;
    seen_.paid = {};
  }

  void move(Cell to) {
    for (const Cell cell : entered_cells(seen_.position, to)) {
      seen_.paid.sum += static_cast<double>(map_[cell]);
      ++seen_.paid.cells;
      for (std::int64_t row = cell.row - 1; row <= cell.row + 1; ++row) {
        for (std::int64_t column = cell.column - 1; column <= cell.column + 1; ++column) {
          const Cell near{row, column};
          if (map_.has(near)) seen_.known.at(near) = map_[near];
        }
      }
    }
    seen_.position = to;
    ++seen_.moves;
  }

  void end(Outcome outcome, Ending ending, StepResult& result) {
    outcome_ = outcome;
    result.outcome = outcome;
    result.observation = wording_.last(seen_, ending);
  }

  std::shared_ptr<const Fixed> fixed_;
  const Options& options_;
  const Wording& wording_;
  CostMap map_;
  RandomKey hidden_;
  bool drawn_ = false;
  Seen seen_;
};

bool Navigation::restore(ByteReader& in) {
  Outcome outcome;
  const bool known = read_outcome(in, outcome);
  const bool drawn = in.boolean();
  const RandomKey hidden = read_key(in);
  const std::string revealed = in.string();
  Trip trip;
  Cell position;
  for (Cell* cell : {&trip.start, &trip.goal, &position}) {
    cell->row = in.u8();
    cell->column = in.u8();
  }
  trip.rounds = in.i64();
  const std::int64_t moves = in.i64();
  const double sum = in.f64();
  const std::int64_t cells = in.i64();
  if (!in.ok() || !known) return false;
  map_ = {};
  seen_ = {};
  drawn_ = false;
  if (drawn) draw_map_of(hidden);
  hidden_ = hidden;
  outcome_ = outcome;
  const bool on_map = map_.has(trip.start) && map_.has(trip.goal) && map_.has(position);
  const bool counted = moves >= 0 && moves <= trip.rounds && trip.rounds <= kRoundsMax &&
                       cells >= moves && cells <= moves * kSideMax && sum >= 0.0 &&
                       sum <= 99.0 * static_cast<double>(cells);
  if (revealed.size() != map_.values.size() || (drawn && !on_map) || !counted) return false;
  seen_.known = CostMap(map_.side, kUnknown);
  for (std::size_t i = 0; i < revealed.size(); ++i) {
    if (revealed[i] == '1') seen_.known.values[i] = map_.values[i];
  }
  begin(trip);
  seen_.position = position;
  seen_.moves = moves;
  seen_.paid = {sum, cells};
  return true;
}

class NavigationFamily final : public EnvironmentFamily {
 public:
  NavigationFamily(const Options& options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->options = options;
    fixed->style = style;
    fixed->wording = make_wording(style);
    fixed->spec.name = "grid_navigation";
    fixed->spec.action_grammar = "<answer>row,column</answer>, another cell of the row or column";
    fixed->spec.turns_max = options.rounds.second;
    fixed->spec.success_from = 0.01;  // costs are at most 99: a reached goal gives at least that
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override {
    if (fixed_->style == PromptStyle::compact) {
      return {"none", "none", compact_vocabulary(), {"</answer>", "</hint>"}};
    }
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  std::unique_ptr<Environment> make() const override {
    return std::make_unique<Navigation>(fixed_);
  }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return grid::make_player(role, fixed_->style);
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.map.side = object.integer_pair("side", {kSideMin, kSideMax}, options.map.side);
  options.map.hills = object.integer("hills", {1, kHillsMax}, options.map.hills);
  options.map.scale = object.number_pair("scale", {0.02, 1.0}, options.map.scale);
  options.rounds = object.integer_pair("rounds", {2, kRoundsMax}, options.rounds);
  options.map_remembered = object.boolean("map_remembered", options.map_remembered);
  if (style == PromptStyle::compact && options.map.side.second > kCompactSideMax) {
    object.fail("side", "at most " + std::to_string(kCompactSideMax) + " in the compact style");
  }
  object.finish();
  return std::make_shared<NavigationFamily>(options, style);
}

Json options_schema() {
  Json properties = {{"side", pair_schema(integer_schema(kSideMin, kSideMax), {8, 12})},
                     {"hills", with_default(integer_schema(1, kHillsMax), 4)},
                     {"scale", pair_schema(number_schema(0.02, 1.0), {0.15, 0.45})},
                     {"rounds", pair_schema(integer_schema(2, kRoundsMax), {3, 5})},
                     {"map_remembered", boolean_schema(true)}};
  return options_object(std::move(properties));
}

}  // namespace

EnvironmentEntry entry() {
  return {"grid_navigation",
          "reach a goal in an exact number of rook moves over hidden costs",
          {"demonstrator", "demonstrator_clean", "expert", "oracle", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::grid
