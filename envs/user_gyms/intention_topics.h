// What the users of intention_gym may want, and the details that a wish has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle::user_gyms {

inline constexpr std::size_t kValuesPerDetail = 6;
inline constexpr std::size_t kDetailsPerTopic = 6;

/// One thing that can be settled about a wish. A question about it holds one of the words.
struct Detail {
  std::string_view name;
  std::string_view question;  ///< "Which date?"
  std::string_view words;     ///< with blanks between
  std::array<std::string_view, kValuesPerDetail> values;
};

/// A wish: which details it has, with their importance 1 to 3.
struct Topic {
  std::string_view name;
  std::string_view wish;  ///< "I am planning a party."
  struct Need {
    std::size_t detail;
    std::int64_t importance;
  };
  std::array<Need, kDetailsPerTopic> needs;
};

std::size_t detail_count();
const Detail& detail(std::size_t index);
std::size_t topic_count();
const Topic& topic(std::size_t index);

/// The details that a text asks about.
std::set<std::size_t> details_in(std::string_view text);

/// A value of a detail. No two details share the name of a value.
struct Value {
  std::size_t detail = 0;
  std::size_t index = 0;
  auto operator<=>(const Value&) const = default;
};
const std::string& name_of(const Value& value);
/// The values that a text names.
std::set<Value> values_in(std::string_view text);

}  // namespace turnhalle::user_gyms
