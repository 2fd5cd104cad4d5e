#include "agents/lm/bpe_merger.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/check.h"

namespace turnhalle::lm {
namespace {

constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

/// The heap's top is the candidate that merges next.
bool merges_later(const MergeScratch::Candidate& a, const MergeScratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
}

/// The merge of the symbol at `position` with its right neighbour, if there is one.
bool candidate_at(const PairTable& pairs, const std::vector<MergeScratch::Symbol>& symbols,
                  std::uint32_t position, MergeScratch::Candidate& candidate) {
  const MergeScratch::Symbol& left = symbols[position];
  if (left.next == nowhere) {
    return false;
  }
  const PairMerge merge = pairs.find(left.id, symbols[left.next].id);
  candidate = {merge.rank, position, merge.result};
  return merge.result >= 0;
}

/// Symbol `position` becomes `result`; its right neighbour leaves the list (id -1).
void join_with_next(std::vector<MergeScratch::Symbol>& symbols, std::uint32_t position,
                    TokenId result) {
  MergeScratch::Symbol& left = symbols[position];
  MergeScratch::Symbol& right = symbols[left.next];
  left.id = result;
  left.next = right.next;
  right.id = -1;
  if (left.next != nowhere) {
    symbols[left.next].previous = position;
  }
}

}  // namespace

PairTable::PairTable(std::size_t pairs_max)
    : slots_(std::bit_ceil(std::max<std::size_t>(2, 2 * pairs_max))), mask_(slots_.size() - 1) {}

std::size_t PairTable::slot_of(std::uint64_t key) const {
  std::size_t slot = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> 32) & mask_;
  while (slots_[slot].key != key && slots_[slot].key != empty) {
    slot = (slot + 1) & mask_;
  }
  return slot;
}

bool PairTable::insert(TokenId left, TokenId right, PairMerge merge) {
  const std::uint64_t key = pair_key(left, right);
  Slot& slot = slots_[slot_of(key)];
  if (slot.key == key) {
    return false;
  }
  slot = {key, merge};
  return true;
}

PairMerge PairTable::find(TokenId left, TokenId right) const {
  return slots_[slot_of(pair_key(left, right))].merge;
}

void BpeMerger::merge(std::string_view word, MergeScratch& scratch,
                      std::vector<TokenId>& out) const {
  check(word.size() < nowhere, "a word is shorter than 2^32 - 1 bytes", word.size());
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  symbols.clear();
  heap.clear();
  for (const char byte : word) {
    const TokenId id = byte_ids[static_cast<std::uint8_t>(byte)];
    if (id >= 0) {
      const auto position = static_cast<std::uint32_t>(symbols.size());
      symbols.push_back({id, position == 0 ? nowhere : position - 1, position + 1});
    }
  }
  if (symbols.empty()) {
    return;
  }
  symbols.back().next = nowhere;
  MergeScratch::Candidate candidate{};
  for (std::uint32_t i = 0; i + 1 < symbols.size(); ++i) {
    if (candidate_at(pairs, symbols, i, candidate)) {
      heap.push_back(candidate);
    }
  }
  std::make_heap(heap.begin(), heap.end(), merges_later);
  const auto push = [&](std::uint32_t position) {
    if (candidate_at(pairs, symbols, position, candidate)) {
      heap.push_back(candidate);
      std::push_heap(heap.begin(), heap.end(), merges_later);
    }
  };
  // Every merge removes a symbol and adds at most two candidates, so the loop ends after at most
  // three times as many rounds as the word has bytes.
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), merges_later);
    const MergeScratch::Candidate top = heap.back();
    heap.pop_back();
    // A candidate is stale when one of its two symbols has merged meanwhile.
    const bool valid = symbols[top.position].id >= 0 &&
                       candidate_at(pairs, symbols, top.position, candidate) &&
                       candidate.result == top.result;
    if (!valid) {
      continue;
    }
    join_with_next(symbols, top.position, top.result);
    if (symbols[top.position].previous != nowhere) {
      push(symbols[top.position].previous);
    }
    push(top.position);
  }
  for (std::uint32_t i = 0; i != nowhere; i = symbols[i].next) {
    out.push_back(symbols[i].id);
  }
}

}  // namespace turnhalle::lm
