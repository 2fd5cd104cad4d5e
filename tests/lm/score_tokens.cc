// lm_score_tokens FOLDER TOKENS COUNT OUT COPY: what a checkpoint computes for given tokens, for
// comparison with other programs (bench/peers/parity.py). COPY is a folder that the checkpoint is
// written to.
//
// TOKENS is a safetensors file with an I64 tensor `tokens` [n]. OUT gets `logits` [n, vocabulary]
// of the training forward, `greedy` [COUNT], the engine's greedy continuation, and
// `decode_logprobs` [COUNT].
#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

#include <cstdio>
#include <cstring>

#include "agents/lm/checkpoint.h"
#include "agents/lm/engine_torch.h"
#include "agents/lm/safetensors.h"
#include "agents/lm/transformer_torch.h"
#include "core/text.h"

namespace turnhalle::lm {
namespace {

Result<std::vector<TokenId>> read_tokens(const std::string& path) {
  const auto file = SafetensorsFile::open(path);
  if (!file.ok()) {
    return file.error();
  }
  const TensorView* view = file->find("tokens");
  if (view == nullptr || view->dtype != DType::i64) {
    return Error{path, "expected an I64 tensor named tokens"};
  }
  std::vector<std::int64_t> ids(view->data.size() / sizeof(std::int64_t));
  std::memcpy(ids.data(), view->data.data(), view->data.size());
  return std::vector<TokenId>(ids.begin(), ids.end());
}

Generation greedy(std::shared_ptr<const Transformer> model, const std::vector<TokenId>& tokens,
                  int count) {
  const auto engine = make_engine(std::move(model));
  Generation result;
  engine->submit({engine->open(), tokens, Sampling{0, count, {}}, RandomKey{},
                  [&](Generation reply) { result = std::move(reply); }});
  while (engine->step()) {
  }
  return result;
}

Status score(const std::string& folder, const std::string& in, int count, const std::string& out,
             const std::string& copy) {
  const auto model = load_checkpoint(folder);
  if (!model.ok()) {
    return model.error();
  }
  const auto tokens = read_tokens(in);
  if (!tokens.ok()) {
    return tokens.error();
  }
  if (auto status = save_checkpoint(**model, copy, folder); !status.ok()) {
    return status;
  }
  const c10::NoGradGuard no_gradients;
  PackedBatch batch;
  batch.append(*tokens);
  const at::Tensor logits = (*model)->logits((*model)->hidden(batch));
  const Generation reply = greedy(*model, *tokens, count);
  const auto length = static_cast<std::int64_t>(reply.tokens.size());
  const std::vector<TensorView> tensors{
      {"logits", DType::f32, logits.sizes().vec(),
       {static_cast<const std::byte*>(logits.const_data_ptr()), logits.nbytes()}},
      {"greedy", DType::i32, {length}, std::as_bytes(std::span(reply.tokens))},
      {"decode_logprobs", DType::f32, {length}, std::as_bytes(std::span(reply.logprobs))}};
  return write_safetensors(out, tensors);
}

}  // namespace
}  // namespace turnhalle::lm

int main(int argc, char** argv) {
  std::int64_t count = 0;
  if (argc != 6 || !turnhalle::parse_integer(argv[3], count) || count < 0 || count > 100000) {
    std::fprintf(stderr, "usage: lm_score_tokens FOLDER TOKENS COUNT OUT COPY\n");
    return 2;
  }
  const auto status =
      turnhalle::lm::score(argv[1], argv[2], static_cast<int>(count), argv[4], argv[5]);
  if (!status.ok()) {
    std::fprintf(stderr, "lm_score_tokens: %s\n", status.error().text().c_str());
    return 2;
  }
  return 0;
}
