// The packs that come with the program: scenarios/apis/, compiled in, so that a recording replays
// anywhere.
#include <array>
#include <string_view>
#include <utility>

#include "envs/tool_api/tool_api.h"

namespace turnhalle::embedded {

std::string_view pack_airline();
std::string_view pack_file_system();
std::string_view pack_mathematics();
std::string_view pack_messaging();
std::string_view pack_posting();
std::string_view pack_retail();
std::string_view pack_telecom();
std::string_view pack_tickets();
std::string_view pack_trading();
std::string_view pack_travel();
std::string_view pack_vehicle();

}  // namespace turnhalle::embedded

namespace turnhalle::tool_api {
namespace {

using PackEntry = std::pair<std::string_view, std::string_view (*)()>;

constexpr std::array kPacks = {
    PackEntry{"airline", embedded::pack_airline},
    PackEntry{"file_system", embedded::pack_file_system},
    PackEntry{"mathematics", embedded::pack_mathematics},
    PackEntry{"messaging", embedded::pack_messaging},
    PackEntry{"posting", embedded::pack_posting},
    PackEntry{"retail", embedded::pack_retail},
    PackEntry{"telecom", embedded::pack_telecom},
    PackEntry{"tickets", embedded::pack_tickets},
    PackEntry{"trading", embedded::pack_trading},
    PackEntry{"travel", embedded::pack_travel},
    PackEntry{"vehicle", embedded::pack_vehicle}};

}  // namespace

std::vector<std::string> pack_names() {
  std::vector<std::string> names;
  for (const auto& entry : kPacks) names.emplace_back(entry.first);
  return names;
}

std::string_view pack_text(std::string_view name) {
  for (const auto& [known, text] : kPacks) {
    if (known == name) return text();
  }
  return {};
}

}  // namespace turnhalle::tool_api
