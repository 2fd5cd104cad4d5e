// The vocabulary that the fixtures call "ours": trained by our trainer, read by Hugging Face.
#pragma once

#include "agents/lm/bpe_trainer.h"

namespace turnhalle::lm {

inline BpeTrainOptions trained_here_options() {
  BpeTrainOptions options;
  options.vocabulary.special_tokens = {"<bos>", "<|im_start|>", "<|im_end|>"};
  options.vocabulary.chunk_tokens = {"Direction 2", " Want", "(1,2)", "(1,"};
  options.vocabulary.beginning = "<bos>";
  options.vocabulary_size_max = 900;
  return options;
}

}  // namespace turnhalle::lm
