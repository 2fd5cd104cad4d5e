// Alchemy with hidden recipes: combine elements, two at a time, until the target is made.
//
// Rules    Elements stand in tiers. The base elements (tier 0) are there at the start; every other
//          is made from two elements of lower tiers, of the tier just below where tier_gap_max is
//          1. Some combinations make nothing. With unlimited materials nothing is used up; with
//          limited ones every base element is there in the same number of copies, and a possible
//          attempt uses up both inputs, whatever comes of it.
// Hidden   The recipes: a random graph, the same for all tasks of a lifecycle. Names and tiers are
//          shown. Targets are drawn without repetition and then come round again.
// Action   <answer>name + name</answer>, exactly one such pair of tags and one plus sign in it;
//          upper and lower case and blanks around the names do not matter.
// Observe  Style paper: tiers and target in the rules; round, what the last attempt brought, target
//          and inventory every turn. Style compact: tiers, target and copies once; then only what
//          the last attempt brought. In that style names are syllables of a fixed list.
// Reward   1 when the target is made, else 0. Shaping belongs to the scenario.
// Ends     Target made, or limited materials allow no attempt any more (done), rounds used up
//          (truncated), an action that is not of the form above (agent_error). An attempt with
//          something that is not in the inventory only costs its round.
// Options  tiers 2..5 ([3, 4]), base_elements 2..8 ([3, 4]), shrink 0.1..1 ([0.4, 0.6]), recipes
//          1..3 (1), tier_gap_max 1..4 (1), cross_tier_share 0..1 ([0, 0.1]), noise_share 0..1 (0),
//          noise_depth 0..3 (2), targets 1..64 (8), rounds 1..64 (8; in style compact 8 or 15),
//          materials unlimited | limited (unlimited), last_attempt_told (false: the final feedback
//          does not say what the last attempt made)
// Expert   A heuristic that remembers recipes and failures over the lifecycle: replays a known way
//          to the target, else tries what is untried in the highest useful tier. Easy, by position:
//          0.80 0.97 1.00 1.00; hard: 0.38 0.60 0.70 0.73 0.76 0.80 0.81 0.82. Uses no hidden
//          state. Other players (alchemy_players.h): forgetful (the same without a memory over
//          tasks, 0.80 and 0.38), random (0.38 and 0.26), oracle, demonstrator and
//          demonstrator_clean.
// Source   Connect the Dots, arXiv 2606.20002, section 3 and table 5, and its released code.
// Differs  Random streams, wording and the compact style are ours; distributions match the source.
//          As in the released template, and unlike the paper's table 5, the prompt lists no
//          discovered recipes and failures: they are in the conversation.
#pragma once

#include <cstdint>

#include "core/registry.h"
#include "envs/alchemy_graph.h"

namespace turnhalle::alchemy {

struct Options {
  GraphOptions graph;
  std::int64_t targets = 8;  ///< different targets of a lifecycle, if there are so many
  std::int64_t rounds = 8;   ///< attempts of an episode
  bool limited = false;      ///< materials are used up
  bool last_attempt_told = false;
};

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::alchemy
