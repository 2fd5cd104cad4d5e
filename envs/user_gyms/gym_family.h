// A user gym as the registry takes it: its instances and players around what is fixed.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms {

/// Players of a gym by role.
template <class Strategy>
using Roles = std::vector<std::pair<std::string_view, Strategy>>;

/// Those that every gym ships.
template <class Strategy>
Roles<Strategy> usual_roles() {
  return {{"expert", Strategy::expert},
          {"random", Strategy::random},
          {"demonstrator", Strategy::demonstrator}};
}

/// `Fixed` is what all instances of one family share, with members `spec` and `style`. A Gym is
/// made of it, a player (Seat) of a strategy and a style.
template <class Gym, class Seat, class Fixed, class Strategy>
class GymFamily final : public EnvironmentFamily {
 public:
  GymFamily(std::shared_ptr<const Fixed> fixed, ContextWords words, Roles<Strategy> roles)
      : fixed_(std::move(fixed)), words_(std::move(words)), roles_(std::move(roles)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override { return words_; }
  std::unique_ptr<Environment> make() const override { return std::make_unique<Gym>(fixed_); }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    for (const auto& [name, strategy] : roles_) {
      if (name == role) return std::make_unique<Seat>(strategy, fixed_->style);
    }
    return nullptr;
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
  ContextWords words_;
  Roles<Strategy> roles_;
};

template <class Gym, class Seat, class Fixed, class Strategy>
std::shared_ptr<const EnvironmentFamily> make_gym_family(std::shared_ptr<Fixed> fixed,
                                                         ContextWords words,
                                                         Roles<Strategy> roles) {
  return std::make_shared<GymFamily<Gym, Seat, Fixed, Strategy>>(std::move(fixed),
                                                                 std::move(words),
                                                                 std::move(roles));
}

}  // namespace turnhalle::user_gyms
