// A small environment with tools, for the tests of conditions: a shop with shelves and a till.
//
//   put {"item", "count"}   adds to a shelf            {"item", "count", "till"}
//   pay {"item"}            takes one and rings it up: two effects, the shelf first
//   look {}                 says what there is
//   close {}                ends the episode with a reward of what the till holds
//
// A reply in text is echoed. The event "price" changes what an item costs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "core/conditions.h"
#include "core/scenario.h"

namespace turnhalle {

inline EnvironmentSpec shop_spec() {
  EnvironmentSpec spec;
  spec.name = "shop";
  spec.turns_max = 1000;
  spec.reward_high = 1e6;
  spec.calls_one_by_one = true;
  spec.events = {"price"};
  for (const char* name : {"put", "pay", "look", "close"}) {
    spec.tools.push_back({{"type", "function"}, {"function", {{"name", name}}}});
  }
  return spec;
}

class Shop final : public Environment {
 public:
  const EnvironmentSpec& spec() const override { return spec_; }
  Opening reset(const Task&) override {
    shelf_.clear();
    till_ = 0;
    price_ = 1;
    return {"", "The shop is open."};
  }
  StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) override {
    return act(seat, reply, scheduler, true);
  }
  StepResult step_in_part(Seat seat, const AgentReply& reply, Scheduler& scheduler) override {
    return act(seat, reply, scheduler, false);
  }
  StepResult advance(const Event& event, Scheduler&) override {
    StepResult result;
    if (event.kind == kExogenousEvent) {
      price_ = Json::parse(event.payload).at("payload").at("price").get<std::int64_t>();
    }
    return result;
  }
  void snapshot(ByteWriter& out) const override {
    out.u64(shelf_.size());
    for (const auto& [item, count] : shelf_) {
      out.string(item);
      out.i64(count);
    }
    out.i64(till_);
    out.i64(price_);
  }
  bool restore(ByteReader& in) override {
    shelf_.clear();
    for (std::size_t left = in.count(); left > 0; --left) {
      const std::string item = in.string();
      shelf_[item] = in.i64();
    }
    till_ = in.i64();
    price_ = in.i64();
    return in.ok();
  }
  Json hidden_state() const override { return {{"shelf", shelf_}, {"till", till_}}; }

 private:
  StepResult act(Seat, const AgentReply& reply, Scheduler&, bool whole) {
    StepResult result;
    for (const ToolCall& call : reply.tool_calls) {
      if (!call.arguments.is_object()) {
        result.tool_results.push_back({Role::tool, "expected a JSON object", {}, call.id});
        continue;
      }
      const std::string item = call.arguments.value("item", "tea");
      if (call.name == "put") shelf_[item] += call.arguments.value("count", std::int64_t{1});
      if (call.name == "pay") {
        --shelf_[item];
        till_ += whole ? price_ : 0;
      }
      if (call.name == "close") {
        result.outcome = Outcome::done;
        result.reward = static_cast<double>(till_);
      }
      const Json answer = {{"item", item}, {"count", shelf_[item]}, {"till", till_}};
      result.tool_results.push_back({Role::tool, canonical(answer), {}, call.id});
    }
    if (reply.tool_calls.empty()) result.observation = "You say: " + reply.text;
    return result;
  }

  EnvironmentSpec spec_ = shop_spec();
  std::map<std::string, std::int64_t> shelf_;
  std::int64_t till_ = 0;
  std::int64_t price_ = 1;
};

class ShopFamily final : public EnvironmentFamily {
 public:
  const EnvironmentSpec& spec() const override { return spec_; }
  ContextWords context_words() const override { return {}; }
  std::unique_ptr<Environment> make() const override { return std::make_unique<Shop>(); }
  std::unique_ptr<Player> make_player(std::string_view) const override { return nullptr; }

 private:
  EnvironmentSpec spec_ = shop_spec();
};

inline EnvironmentRegistry shop_registry() {
  EnvironmentRegistry registry;
  registry.add({"shop",
                "for tests",
                {"expert", "random"},
                [](JsonObject options, PromptStyle) {
                  options.finish();
                  return std::make_shared<const ShopFamily>();
                },
                Json::object()});
  return registry;
}

/// A scenario of the shop; `more` are keys such as latency and faults.
inline Result<Scenario> shop_scenario(const std::string& more) {
  Result<JsonDocument> document =
      parse_json(R"({"kind": "scenario", "version": 1, "environment": "shop")" +
                 (more.empty() ? "" : ", " + more) + "}");
  return document ? scenario_from(*document, shop_registry()) : document.error();
}

/// A lifecycle of one episode around any environment.
class SingleEpisode final : public Lifecycle {
 public:
  SingleEpisode(std::shared_ptr<const EnvironmentFamily> family, RandomKey key)
      : family_(std::move(family)), environment_(family_->make()), key_(key) {}
  const EnvironmentSpec& spec() const override { return environment_->spec(); }
  const Environment& environment() const override { return environment_->unwrapped(); }
  std::optional<EpisodeStart> next_episode(std::span<const Message>) override {
    if (started_) return std::nullopt;
    started_ = true;
    Opening opening = environment_->reset({key_.split("hidden"), key_.split("task"), 0});
    EpisodeStart start;
    start.turns_max = spec().turns_max;
    start.messages.push_back({Role::user, opening.user, {}, {}});
    start.timers = std::move(opening.timers);
    return start;
  }
  StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) override {
    return add(environment_->step(seat, reply, scheduler));
  }
  StepResult advance(const Event& event, Scheduler& scheduler) override {
    return add(environment_->advance(event, scheduler));
  }
  EpisodeEnd end_episode(Outcome outcome, std::int64_t) override {
    EpisodeEnd end;
    end.outcome = outcome;
    if (!is_infrastructure(outcome)) end.reward = return_;
    return end;
  }
  void snapshot(ByteWriter& out) const override {
    environment_->snapshot(out);
    out.boolean(started_);
    out.f64(return_);
  }
  bool restore(ByteReader& in) override {
    if (!environment_->restore(in)) return false;
    started_ = in.boolean();
    return_ = in.f64();
    return in.ok();
  }
  std::unique_ptr<Lifecycle> fork() const override {
    auto copy = std::make_unique<SingleEpisode>(family_, key_);
    std::string bytes;
    ByteWriter out(bytes);
    snapshot(out);
    ByteReader in(bytes);
    check(copy->restore(in), "a lifecycle reads its own snapshot");
    return copy;
  }
  Json hidden_state() const override { return environment_->hidden_state(); }

 private:
  StepResult add(StepResult result) {
    return_ += result.reward;
    return result;
  }

  std::shared_ptr<const EnvironmentFamily> family_;
  std::unique_ptr<Environment> environment_;
  RandomKey key_;
  bool started_ = false;
  double return_ = 0.0;
};

}  // namespace turnhalle
