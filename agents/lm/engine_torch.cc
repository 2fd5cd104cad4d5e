#include "agents/lm/engine_torch.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>
#include <utility>

#include "agents/lm/generation_torch.h"
#include "agents/lm/page_pool.h"
#include "agents/lm/sampler.h"
#include "core/check.h"

namespace turnhalle::lm {
namespace {

struct Conversation {
  std::vector<TokenId> tokens;   ///< observed and sampled
  std::int64_t cached = 0;       ///< how many of them, from the first, have keys and values
  std::vector<PageIndex> pages;  ///< of kTile positions each
  bool busy = false;             ///< whether a reply is wanted
  GenerationRequest request;     ///< of the reply in progress; `observed` has moved to tokens
  Generation reply;
};

/// A conversation's part in one forward, and who gets its result too.
struct Work {
  Conversation* leader = nullptr;
  std::vector<Conversation*> followers;  ///< fresh conversations with the same tokens
  std::int64_t count = 0;                ///< tokens in this forward
  bool completes = false;                ///< whether these are all, so that a token can be drawn
};

std::unique_ptr<GenerationModel> make_model(std::shared_ptr<const Transformer> model,
                                            const EngineOptions& options, std::int64_t positions) {
  if (options.tensor_operators || !model->device().is_cpu()) {
    return make_device_generation(std::move(model), options.precision);
  }
  return make_cpu_generation(std::move(model), options.precision, positions);
}

class PagedEngine final : public Engine {
 public:
  PagedEngine(std::shared_ptr<const Transformer> model, EngineOptions options)
      : options_(options),
        context_max_(options.context_max > 0
                         ? std::min(options.context_max, model->config().max_position_embeddings)
                         : model->config().max_position_embeddings),
        model_(make_model(std::move(model), options, context_max_)),
        pool_(model_->pages()) {
    check(options.forward_tokens_max > 0, "a forward holds at least one token");
    check(!options.batch_invariant || options.precision == Precision::float32,
          "batch-invariant arithmetic is float32");
  }

  ConversationId open() override {
    const ConversationId id{next_id_++};
    conversations_.emplace(id.value, Conversation{});
    return id;
  }

  void close(ConversationId id) override {
    Conversation& conversation = find(id);
    drop_pages(conversation);
    std::erase(busy_, id.value);
    conversations_.erase(id.value);
  }

  void submit(GenerationRequest request) override {
    Conversation& conversation = find(request.conversation);
    check(!conversation.busy, "a conversation has one request at a time");
    check(!(conversation.tokens.empty() && request.observed.empty()),
          "a conversation begins with observed tokens");
    check(request.sampling.temperature >= 0 && request.sampling.new_tokens_max >= 0,
          "sampling options are not negative");
    for (const TokenId token : request.observed) {
      check(token >= 0 && token < vocabulary_size(), "tokens are inside the vocabulary", token);
    }
    conversation.tokens.insert(conversation.tokens.end(), request.observed.begin(),
                               request.observed.end());
    request.observed.clear();
    conversation.busy = true;
    conversation.reply = {};
    busy_.push_back(request.conversation.value);
    conversation.request = std::move(request);
  }

  bool step() override;

  void weights_changed(WeightVersion version) override {
    version_ = version;
    for (auto& [id, conversation] : conversations_) {
      drop_pages(conversation);
    }
    const c10::InferenceMode no_gradients;
    model_->refresh();
  }

  std::int64_t context_max() const override { return context_max_; }
  std::int64_t vocabulary_size() const override { return model_->config().vocab_size; }
  Counters counters() const override { return counters_; }

 private:
  Conversation& find(ConversationId id) {
    const auto found = conversations_.find(id.value);
    check(found != conversations_.end(), "a conversation is open", id.value);
    return found->second;
  }

  void drop_pages(Conversation& conversation) {
    for (const PageIndex page : conversation.pages) {
      pool_.release(page);
    }
    conversation.pages.clear();
    conversation.cached = 0;
  }

  void forget_finished() {
    std::erase_if(busy_, [this](std::int64_t id) {
      return std::ranges::find(finished_, id) != finished_.end();
    });
  }

  void finish_without_room();
  std::vector<Work> choose_work();
  void make_room(Conversation& conversation, std::int64_t count);
  void compute(std::vector<Work>& work);
  void share_prompt(const Conversation& leader, Conversation& follower);
  void draw_tokens(const std::vector<Work>& work);
  void append(Conversation& conversation, const Draw& draw);
  bool deliver();

  EngineOptions options_;
  std::int64_t context_max_;
  std::unique_ptr<GenerationModel> model_;
  PagePool pool_;
  WeightVersion version_ = 0;
  std::int64_t next_id_ = 0;
  std::map<std::int64_t, Conversation> conversations_;
  std::vector<std::int64_t> busy_;  ///< ids with an unfinished reply; whoever waited longest first
  std::vector<std::int64_t> finished_;
  std::vector<float> logits_;  ///< [drawn conversations, vocabulary]
  Counters counters_;
};

// Replies that cannot gain a token end at once.
void PagedEngine::finish_without_room() {
  for (const std::int64_t id : busy_) {
    Conversation& conversation = conversations_.at(id);
    const bool is_full = static_cast<std::int64_t>(conversation.tokens.size()) >= context_max_;
    if (is_full || conversation.request.sampling.new_tokens_max == 0) {
      conversation.reply.finish = is_full ? Finish::context : Finish::length;
      finished_.push_back(id);
    }
  }
  forget_finished();
}

// Takes conversations in the order of waiting until the forward is full. How a conversation's own
// pending tokens are cut into forwards does not depend on the others.
std::vector<Work> PagedEngine::choose_work() {
  std::vector<Work> work;
  std::map<std::vector<TokenId>, std::size_t> fresh;  // prompts that are prefilled from zero
  std::vector<std::int64_t> served;
  std::vector<std::int64_t> waiting;
  std::int64_t total = 0;
  for (const std::int64_t id : busy_) {
    Conversation& conversation = conversations_.at(id);
    const auto length = static_cast<std::int64_t>(conversation.tokens.size());
    const std::int64_t pending = length - conversation.cached;
    const std::int64_t count = std::min(pending, options_.forward_tokens_max);
    const bool is_fresh =
        options_.share_prompts && conversation.cached == 0 && count == pending && length > 1;
    if (is_fresh) {
      if (const auto found = fresh.find(conversation.tokens); found != fresh.end()) {
        work[found->second].followers.push_back(&conversation);
        served.push_back(id);
        continue;
      }
    }
    if (total + count > options_.forward_tokens_max && total > 0) {
      waiting.push_back(id);
      continue;
    }
    if (is_fresh) {
      fresh.emplace(conversation.tokens, work.size());
    }
    total += count;
    work.push_back({&conversation, {}, count, count == pending});
    served.push_back(id);
  }
  busy_ = std::move(waiting);
  busy_.insert(busy_.end(), served.begin(), served.end());
  return work;
}

void PagedEngine::make_room(Conversation& conversation, std::int64_t count) {
  const std::int64_t begin = conversation.cached / kTile;
  const std::int64_t end = (conversation.cached + count + kTile - 1) / kTile;
  for (std::int64_t page = begin; page < end; ++page) {
    const auto at = static_cast<std::size_t>(page);
    if (at < conversation.pages.size()) {
      conversation.pages[at] = pool_.writable(conversation.pages[at]);
    } else {
      conversation.pages.push_back(pool_.take());
    }
  }
}

void PagedEngine::compute(std::vector<Work>& work) {
  std::vector<NewTokens> items;
  std::int64_t rows = 0;
  for (Work& part : work) {
    Conversation& conversation = *part.leader;
    make_room(conversation, part.count);
    NewTokens item;
    item.tokens = conversation.tokens.data() + conversation.cached;
    item.count = part.count;
    item.position = conversation.cached;
    item.pages = conversation.pages.data();
    item.logits_row = part.completes ? rows++ : -1;
    items.push_back(item);
  }
  model_->forward(items, rows, logits_);
  ++counters_.forwards;
  for (Work& part : work) {
    Conversation& conversation = *part.leader;
    // The token that was sampled last is not an observation.
    counters_.prefilled += part.count - (conversation.reply.tokens.empty() ? 0 : 1);
    conversation.cached += part.count;
    for (Conversation* follower : part.followers) {
      share_prompt(conversation, *follower);
    }
  }
}

void PagedEngine::share_prompt(const Conversation& leader, Conversation& follower) {
  drop_pages(follower);
  follower.pages = leader.pages;
  for (const PageIndex page : follower.pages) {
    pool_.share(page);
  }
  follower.cached = leader.cached;
  counters_.shared += leader.cached;
}

void PagedEngine::draw_tokens(const std::vector<Work>& work) {
  struct Pending {
    Conversation* conversation;
    std::int64_t row;
    Draw draw;
  };
  std::vector<Pending> pending;
  std::int64_t row = 0;
  for (const Work& part : work) {
    if (part.completes) {
      pending.push_back({part.leader, row, {}});
      for (Conversation* follower : part.followers) {
        pending.push_back({follower, row, {}});
      }
      ++row;
    }
  }
  const auto vocabulary = static_cast<std::size_t>(vocabulary_size());
  const auto count = static_cast<std::int64_t>(pending.size());
  const std::int64_t grain = std::max<std::int64_t>(1, 8192 / vocabulary_size());
  at::parallel_for(0, count, grain, [&](std::int64_t begin, std::int64_t end) {
    thread_local std::vector<float> scratch;
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const Conversation& conversation = *pending[i].conversation;
      const double uniform = uniform_at(conversation.request.key, conversation.reply.tokens.size());
      const auto first = static_cast<std::size_t>(pending[i].row) * vocabulary;
      pending[i].draw = draw_token({logits_.data() + first, vocabulary},
                                   conversation.request.sampling.temperature, uniform, scratch);
    }
  });
  for (const Pending& drawn : pending) {
    append(*drawn.conversation, drawn.draw);
  }
}

void PagedEngine::append(Conversation& conversation, const Draw& draw) {
  const Sampling& sampling = conversation.request.sampling;
  Generation& reply = conversation.reply;
  conversation.tokens.push_back(draw.token);
  reply.tokens.push_back(draw.token);
  reply.logprobs.push_back(draw.logprob);
  ++counters_.sampled;
  if (std::ranges::find(sampling.stop, draw.token) != sampling.stop.end()) {
    reply.finish = Finish::stop;
  } else if (static_cast<int>(reply.tokens.size()) >= sampling.new_tokens_max) {
    reply.finish = Finish::length;
  } else if (static_cast<std::int64_t>(conversation.tokens.size()) >= context_max_) {
    reply.finish = Finish::context;
  } else {
    return;
  }
  finished_.push_back(conversation.request.conversation.value);
}

// Calls back for the finished replies, when no state of this step is in use any more: a callback
// may submit, open and close.
bool PagedEngine::deliver() {
  forget_finished();
  struct Delivery {
    std::int64_t id;
    std::function<void(Generation)> done;
    Generation reply;
  };
  std::vector<Delivery> deliveries;
  for (const std::int64_t id : std::exchange(finished_, {})) {
    Conversation& conversation = conversations_.at(id);
    conversation.busy = false;
    conversation.reply.version = version_;
    deliveries.push_back(
        {id, std::move(conversation.request.done), std::exchange(conversation.reply, {})});
  }
  for (Delivery& delivery : deliveries) {
    // A conversation that an earlier callback closed is not called back.
    if (delivery.done && conversations_.contains(delivery.id)) {
      delivery.done(std::move(delivery.reply));
    }
  }
  return !busy_.empty();
}

bool PagedEngine::step() {
  finish_without_room();
  std::vector<Work> work = choose_work();
  if (!work.empty()) {
    const c10::InferenceMode no_gradients;
    compute(work);
    draw_tokens(work);
  }
  return deliver();
}

}  // namespace

std::unique_ptr<Engine> make_engine(std::shared_ptr<const Transformer> model,
                                    EngineOptions options) {
  return std::make_unique<PagedEngine>(std::move(model), options);
}

}  // namespace turnhalle::lm
