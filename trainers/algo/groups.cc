#include "trainers/algo/groups.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/check.h"

namespace turnhalle::algo {

Groups make_groups(std::span<const std::int64_t> key, std::span<const std::uint8_t> counts) {
  check(key.size() == counts.size(), "a key and a mark for each value", key.size(), counts.size());
  std::map<std::int64_t, std::size_t> index;
  std::vector<std::size_t> size;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (counts[i] == 0) {
      continue;
    }
    const auto [found, is_new] = index.try_emplace(key[i], size.size());
    if (is_new) {
      size.push_back(0);
    }
    ++size[found->second];
  }
  Groups groups;
  groups.offset.reserve(size.size() + 1);
  for (const std::size_t n : size) {
    groups.offset.push_back(groups.offset.back() + n);
  }
  groups.member.resize(groups.offset.back());
  std::vector<std::size_t> next(groups.offset.begin(), groups.offset.end() - 1);
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (counts[i] != 0) {
      groups.member[next[index.at(key[i])]++] = i;
    }
  }
  return groups;
}

Statistics statistics(std::span<const double> value, std::span<const std::size_t> member,
                      StdKind kind) {
  Statistics result;
  result.n = member.size();
  if (member.empty()) {
    return result;
  }
  result.low = result.high = value[member[0]];
  double sum = 0;
  for (const std::size_t i : member) {
    sum += value[i];
    result.low = std::min(result.low, value[i]);
    result.high = std::max(result.high, value[i]);
  }
  result.mean = sum / static_cast<double>(result.n);
  const std::size_t divisor = kind == StdKind::bessel ? result.n - 1 : result.n;
  if (kind == StdKind::none || divisor == 0) {
    return result;
  }
  double square = 0;
  for (const std::size_t i : member) {
    square += (value[i] - result.mean) * (value[i] - result.mean);
  }
  result.std = std::sqrt(square / static_cast<double>(divisor));
  return result;
}

}  // namespace turnhalle::algo
