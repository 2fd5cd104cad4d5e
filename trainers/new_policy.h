// The policy an experiment starts from: fresh weights with a vocabulary, or a checkpoint.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "trainers/experiment.h"

namespace turnhalle {

namespace lm {
class Transformer;
}

struct StartingPolicy {
  std::shared_ptr<lm::Transformer> model;
  std::string tokenizer_folder;  ///< tokenizer.json and the ids that end a reply
};

/// Loads the experiment's checkpoint, or makes a new model whose weights depend on the seed
/// alone. The vocabulary of a new policy is the pieces of the environment's compact style over
/// the 256 bytes; it is written to `folder`.
Result<StartingPolicy> make_starting_policy(const Experiment& experiment,
                                            const std::string& folder);

}  // namespace turnhalle
