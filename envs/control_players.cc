#include "envs/control_players.h"

#include <string>
#include <vector>

#include "core/check.h"
#include "core/rng.h"
#include "core/text.h"
#include "envs/control_model.h"
#include "envs/number_text.h"

namespace turnhalle::control {
namespace {

enum class Role : std::uint8_t { expert, oracle, idle, random, fixed_law, signed_law };

const Observable& observable_of(const PlayerView& view) {
  const auto* observable = dynamic_cast<const Observable*>(&view.environment);
  check(observable != nullptr, "a player of optimal_control plays optimal_control");
  return *observable;
}

std::string law(double sign) {
  return sign > 0.0 ? "0.6*(x_target-x)-1.2*v" : "-(0.6*(x_target-x)-1.2*v)";
}

// Given inputs as an expression in t: ten digits are more than the optimum is sensitive to, and
// keep the expression short.
std::string by_step(const std::vector<double>& inputs) {
  std::string text;
  for (std::size_t step = 0; step + 1 < inputs.size(); ++step) {
    text += fixed_digits(inputs[step], 10) + " if t==" + std::to_string(step) + " else ";
  }
  return text + fixed_digits(inputs.back(), 10);
}

class ControlPlayer final : public Player {
 public:
  ControlPlayer(Role role, PromptStyle style)
      : role_(role), compact_(style == PromptStyle::compact) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    const Observable& world = observable_of(view);
    if (view.kind == EpisodeKind::update_context) {
      if (world.seen().rollout.executable) tables_.push_back(world.seen().rollout);
      return hints();
    }
    return "<answer><action_expression>" + expression(world, key) + "</action_expression></answer>";
  }

 private:
  std::string expression(const Observable& world, RandomKey key) const {
    Plant plant;
    switch (role_) {
      case Role::expert:
        if (!identify(tables_, plant)) return law(1.0);
        return by_step(optimal_inputs(plant, world.seen().task));
      case Role::oracle:
        return by_step(optimal_inputs(world.hidden_plant(), world.seen().task));
      case Role::idle:
        return "0";
      case Role::random:
        return shortest(Random(key).uniform(-1.0, 1.0));
      case Role::fixed_law:
        return law(1.0);
      case Role::signed_law:
        return law(world.hidden_plant().b);
    }
    return "0";
  }

  std::string hints() const {
    Plant plant;
    std::string facts = "Nothing is known yet.";
    if (role_ == Role::expert && identify(tables_, plant)) {
      facts = "v' = a*v + b*u with a = " + fixed_digits(plant.a, 6) +
              " and b = " + fixed_digits(plant.b, 6) + ".";
    }
    if (compact_) return " <hint> " + facts + "</hint>";
    return "--- Start of updated hints ---\n### Dynamics\n" + facts +
           "\n--- End of updated hints ---";
  }

  Role role_;
  bool compact_;
  std::vector<Rollout> tables_;
};

}  // namespace

std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style) {
  const auto make = [style](Role which) { return std::make_unique<ControlPlayer>(which, style); };
  if (role == "expert") return make(Role::expert);
  if (role == "oracle") return make(Role::oracle);
  if (role == "idle") return make(Role::idle);
  if (role == "random") return make(Role::random);
  if (role == "fixed_law") return make(Role::fixed_law);
  if (role == "signed_law") return make(Role::signed_law);
  return nullptr;
}

}  // namespace turnhalle::control
