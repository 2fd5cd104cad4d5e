#include "envs/user_gyms/bm25.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms {
namespace {

constexpr double kSaturation = 1.2;    // k1
constexpr double kLengthShare = 0.75;  // b

}  // namespace

Bm25::Bm25(const std::vector<std::string>& texts) {
  double total = 0.0;
  for (const std::string& text : texts) {
    std::map<std::string, double> counts;
    const std::vector<std::string> words = words_of(text);
    for (const std::string& word : words) counts[word] += 1.0;
    for (const auto& [word, count] : counts) holders_[word] += 1.0;
    counts_.push_back(std::move(counts));
    lengths_.push_back(static_cast<double>(words.size()));
    total += lengths_.back();
  }
  if (total > 0.0) mean_length_ = total / static_cast<double>(texts.size());
}

double Bm25::score(std::string_view query, std::size_t place) const {
  const std::vector<std::string> words = words_of(query);
  const auto n = static_cast<double>(counts_.size());
  const double length = 1.0 - kLengthShare + kLengthShare * lengths_[place] / mean_length_;
  double sum = 0.0;
  for (const std::string& word : std::set<std::string>(words.begin(), words.end())) {
    const auto count = counts_[place].find(word);
    if (count == counts_[place].end()) continue;
    const double holders = holders_.at(word);
    const double rarity = std::log(1.0 + (n - holders + 0.5) / (holders + 0.5));
    sum += rarity * count->second * (kSaturation + 1.0) / (count->second + kSaturation * length);
  }
  return sum;
}

std::vector<std::size_t> Bm25::best(std::string_view query, std::size_t count) const {
  std::vector<std::pair<double, std::size_t>> scored;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const double found = score(query, i);
    if (found > 0.0) scored.emplace_back(-found, i);
  }
  std::sort(scored.begin(), scored.end());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < std::min(count, scored.size()); ++i) {
    places.push_back(scored[i].second);
  }
  return places;
}

}  // namespace turnhalle::user_gyms
