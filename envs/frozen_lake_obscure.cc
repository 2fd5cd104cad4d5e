#include "envs/frozen_lake_obscure.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "core/text.h"
#include "envs/frozen_lake_board.h"
#include "envs/frozen_lake_players.h"
#include "envs/frozen_lake_text.h"
#include "envs/option_schema.h"
#include "envs/untimed_environment.h"

namespace turnhalle::frozen_lake {
namespace {

const std::array<std::string, 4> kMappings = {"per_lifecycle", "per_task", "identity",
                                              "changes_once"};
constexpr std::int64_t kPositionMax = 63;
constexpr std::int64_t kBudgetMax = 64;
constexpr std::int64_t kDepthMax = 48;

// What all instances of one family share.
struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  std::unique_ptr<const Wording> wording;
  EnvironmentSpec spec;
  ContextWords words;
};

ContextWords words_in(PromptStyle style) {
  if (style == PromptStyle::compact) {
    const std::string unknown = " Down ? Right ? Up ? Left ?";
    return {unknown, unknown, compact_vocabulary(), {"</answer>", "</hint>"}};
  }
  return {"Hints: null", "Hints: no hint available.", {}, {}};
}

class Lake final : public UntimedEnvironment, public Observable {
 public:
  explicit Lake(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options), wording_(*fixed_->wording) {
    seen_.budget = options_.budget;
    seen_.last_move_told = options_.last_move_told;
    seen_.moves.reserve(static_cast<std::size_t>(options_.budget));
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Seen& seen() const override { return seen_; }

  Opening reset(const Task& task) override {
    draw_task(task);
    seen_.position = seen_.board.start;
    seen_.moves.clear();
    seen_.over = false;
    outcome_ = Outcome::running;
    return {wording_.system, wording_.first(seen_)};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    if (outcome_ != Outcome::running) {
      result.outcome = outcome_;
      return result;
    }
    const int direction = parse_direction(reply.text);
    if (direction == 0) {
      end(Outcome::agent_error, Ending::unreadable, result);
      return result;
    }
    const auto button = static_cast<std::uint8_t>(direction - 1);
    const Cell from = seen_.position;
    seen_.position = seen_.board.neighbour(from, buttons_[button]);
    seen_.moves.push_back({button, from, seen_.position});
    if (seen_.position == seen_.board.goal) {
      result.reward = 1.0;
      result.parts.push_back({"goal", 1.0});
      end(Outcome::done, Ending::goal, result);
    } else if (seen_.board.is_hole(seen_.position)) {
      end(Outcome::done, Ending::hole, result);
    } else if (static_cast<std::int64_t>(seen_.moves.size()) >= options_.budget) {
      end(Outcome::truncated, Ending::budget, result);
    } else {
      result.observation = wording_.next(seen_);
    }
    return result;
  }

  std::unique_ptr<Environment> fork() const override { return std::make_unique<Lake>(*this); }
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  Json hidden_state() const override;

 private:
  void draw_task(const Task& task) {
    Random sizes(task.task.split("size"));
    BoardOptions board;
    board.side =
        static_cast<std::uint8_t>(sizes.between(options_.side.first, options_.side.second));
    board.frozen_share = sizes.uniform(options_.frozen_share.first, options_.frozen_share.second);
    board.search_depth = options_.search_depth;
    seen_.board = draw_board(board, task.task.split("board"));
    buttons_ = kCardinals;
    if (options_.mapping != Mapping::identity) {
      const RandomKey owner = options_.mapping == Mapping::per_task ? task.task : task.hidden;
      Random(owner.split("buttons")).shuffle(std::span<Cardinal>(buttons_));
    }
    if (options_.mapping == Mapping::changes_once) change_buttons(task);
  }

  // From a position on that is drawn once per lifecycle, another permutation holds.
  void change_buttons(const Task& task) {
    Random random(task.hidden.split("change"));
    if (task.position < random.between(options_.change_at.first, options_.change_at.second)) {
      return;
    }
    const std::array<Cardinal, 4> before = buttons_;
    while (buttons_ == before) random.shuffle(std::span<Cardinal>(buttons_));
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
  Seen seen_;
  std::array<Cardinal, 4> buttons_ = kCardinals;
};

void Lake::snapshot(ByteWriter& out) const {
  write_outcome(out);
  out.u8(seen_.board.side);
  out.u8(seen_.board.start.index);
  out.u8(seen_.board.goal.index);
  out.u64(seen_.board.holes);
  for (const Cardinal button : buttons_) {
    out.u8(static_cast<std::uint8_t>(button));
  }
  out.u8(seen_.position.index);
  out.u64(seen_.moves.size());
  for (const Move& move : seen_.moves) {
    out.u8(move.direction);
    out.u8(move.from.index);
    out.u8(move.to.index);
  }
}

bool Lake::restore(ByteReader& in) {
  Outcome outcome;
  const bool known = read_outcome(in, outcome);
  Board board;
  board.side = in.u8();
  board.start = {in.u8()};
  board.goal = {in.u8()};
  board.holes = in.u64();
  std::uint8_t seen_buttons = 0;
  for (Cardinal& button : buttons_) {
    const std::uint8_t value = in.u8() & 3;
    button = static_cast<Cardinal>(value);
    seen_buttons = static_cast<std::uint8_t>(seen_buttons | 1U << value);
  }
  const Cell position{in.u8()};
  const std::uint64_t count = in.count(3);
  const bool sized = board.side <= kSideMax && (board.side >= kSideMin || board.side == 0);
  if (!in.ok() || !known || !sized || seen_buttons != 15 ||
      count > static_cast<std::uint64_t>(options_.budget)) {
    return false;
  }
  // A fresh environment has no board; every cell of a played one lies on it.
  const std::uint64_t cells = board.side == 0 ? 1 : board.cells();
  const auto on_board = [cells](Cell cell) { return cell.index < 64 && (cells & cell.bit()) != 0; };
  bool valid = on_board(board.start) && on_board(board.goal) && on_board(position) &&
               (board.holes & ~cells) == 0;
  seen_.moves.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    Move move;
    move.direction = in.u8();
    move.from = {in.u8()};
    move.to = {in.u8()};
    valid = valid && move.direction < 4 && on_board(move.from) && on_board(move.to);
    seen_.moves.push_back(move);
  }
  seen_.board = board;
  seen_.position = position;
  outcome_ = outcome;
  seen_.over = outcome_ != Outcome::running;
  return valid && in.ok();
}

Json Lake::hidden_state() const {
  Json buttons = Json::array();
  for (const Cardinal button : buttons_) {
    buttons.push_back(std::string(kCardinalNames[index_of(button)]));
  }
  Json rows = Json::array();
  for (int row = 0; row < seen_.board.side; ++row) {
    std::string text;
    append_board_row(text, seen_, row);
    rows.push_back(std::move(text));
  }
  return {{"buttons", buttons},
          {"board", rows},
          {"position", {seen_.position.row(), seen_.position.column()}},
          {"goal", {seen_.board.goal.row(), seen_.board.goal.column()}},
          {"steps", seen_.moves.size()}};
}

class LakeFamily final : public EnvironmentFamily {
 public:
  LakeFamily(const Options& options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->options = options;
    fixed->style = style;
    fixed->wording = make_wording(style, options.budget);
    fixed->spec.name = "frozen_lake_obscure";
    fixed->spec.action_grammar = "<answer>Direction N</answer> with N in 1..4";
    fixed->spec.turns_max = options.budget;
    fixed->words = words_in(style);
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override { return fixed_->words; }
  std::unique_ptr<Environment> make() const override { return std::make_unique<Lake>(fixed_); }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    Lasting lasting;
    lasting.over_tasks = fixed_->options.mapping != Mapping::per_task;
    if (fixed_->options.mapping == Mapping::changes_once) {
      lasting.change_first = fixed_->options.change_at.first;
      lasting.change_last = fixed_->options.change_at.second;
    }
    return frozen_lake::make_player(role, {fixed_->style, lasting});
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.side = object.integer_pair("side", {kSideMin, kSideMax}, options.side);
  options.frozen_share = object.number_pair("frozen_share", {0.0, 1.0}, options.frozen_share);
  options.search_depth = object.integer("search_depth", {1, kDepthMax}, options.search_depth);
  options.budget = object.integer("budget", {1, kBudgetMax}, options.budget);
  const std::string mapping = object.one_of("mapping", kMappings, kMappings[0]);
  const auto place = std::find(kMappings.begin(), kMappings.end(), mapping);
  options.mapping = static_cast<Mapping>(place == kMappings.end() ? 0 : place - kMappings.begin());
  options.change_at = object.integer_pair("change_at", {1, kPositionMax}, options.change_at);
  options.last_move_told = object.boolean("last_move_told", options.last_move_told);
  if (style == PromptStyle::compact && !compact_budget(options.budget)) {
    object.fail("budget", "8 or 10 in the compact style");
  }
  object.finish();
  return std::make_shared<LakeFamily>(options, style);
}

Json options_schema() {
  const Json share = {{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  Json properties = {{"side", pair_schema(integer_schema(kSideMin, kSideMax), {4, 5})},
                     {"frozen_share", pair_schema(share, {0.6, 0.7})},
                     {"search_depth", with_default(integer_schema(1, kDepthMax), 6)},
                     {"budget", with_default(integer_schema(1, kBudgetMax), 8)},
                     {"mapping", {{"enum", kMappings}, {"default", "per_lifecycle"}}},
                     {"change_at", pair_schema(integer_schema(1, kPositionMax), {1, 3})},
                     {"last_move_told", boolean_schema(false)}};
  return options_object(std::move(properties));
}

}  // namespace

EnvironmentEntry entry() {
  return {"frozen_lake_obscure",
          "frozen lake whose four buttons have hidden directions",
          {"demonstrator", "demonstrator_clean", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::frozen_lake
