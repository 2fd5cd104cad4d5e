// Task sequences: S tasks in one hidden world, and the context that the agent writes in between.
//
// A lifecycle is solve(x_0 | z_0), update → z_1, solve(x_1 | z_1), …, solve(x_{S-1} | z_{S-1}):
// S solve episodes and S − 1 update episodes, without an early stop (Connect the Dots,
// arXiv 2606.20002, section 2). An update episode's position is that of the task which first
// uses the context it writes.
//
// Two styles of wording (PromptStyle):
//   paper    The context stands in a section of the system prompt; an update is a fresh
//            conversation that is shown the old context, the trajectory, the reward and the
//            feedback, and answers between two delimiter lines.
//   compact  The system message is "Hint:" + context + "</hint>"; an update goes on in the
//            conversation of the task and answers with <hint>…</hint>.
//
// Rewards   A solve episode: max(0, R − c·turns/turns_max) when R > 0, else R. An update: 0 when
//           readable, −k when not; an unreadable one also destroys the context.
// Differs   The response-length term of the paper is left out: its thresholds there make it 0.
#pragma once

#include <memory>

#include "core/scenario.h"

namespace turnhalle {

/// Makes lifecycle `index` of a run. The scenario must outlive it.
std::unique_ptr<Lifecycle> make_lifecycle(const Scenario& scenario, const RunSeed& seed,
                                          LifecycleIndex index);

}  // namespace turnhalle
