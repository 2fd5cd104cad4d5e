#include "envs/all.h"

#include "envs/alchemy_random.h"
#include "envs/frozen_lake_obscure.h"
#include "envs/grid_navigation.h"
#include "envs/guess_number.h"
#include "envs/optimal_control.h"
#include "envs/pde_discovery.h"
#include "envs/terminal_sim.h"
#include "envs/tool_api/tool_api.h"
#include "envs/user_gyms/colbench_gym.h"
#include "envs/user_gyms/function_gym.h"
#include "envs/user_gyms/intention_gym.h"
#include "envs/user_gyms/persuade_gym.h"
#include "envs/user_gyms/search_gym.h"
#include "envs/user_gyms/telepathy_gym.h"
#include "envs/user_gyms/travel_gym.h"
#include "envs/user_gyms/turtle_gym.h"

namespace turnhalle {

EnvironmentRegistry all_environments() {
  EnvironmentRegistry registry;
  registry.add(alchemy::entry());
  registry.add(user_gyms::colbench::entry());
  registry.add(frozen_lake::entry());
  registry.add(user_gyms::function::entry());
  registry.add(grid::entry());
  registry.add(guess_number::entry());
  registry.add(user_gyms::intention::entry());
  registry.add(control::entry());
  registry.add(pde::entry());
  registry.add(user_gyms::persuade::entry());
  registry.add(user_gyms::search::entry());
  registry.add(user_gyms::telepathy::entry());
  registry.add(terminal::entry());
  registry.add(tool_api::entry());
  registry.add(user_gyms::travel::entry());
  registry.add(user_gyms::turtle::entry());
  return registry;
}

}  // namespace turnhalle
