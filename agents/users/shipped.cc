// The files of scenarios/users, read once.
#include <array>
#include <string_view>

#include "agents/users/persona.h"
#include "core/check.h"

namespace turnhalle::embedded {

std::string_view user_changeable();
std::string_view user_chatty();
std::string_view user_difficult();
std::string_view user_endless();
std::string_view user_evasive();
std::string_view user_formal();
std::string_view user_forthcoming();
std::string_view user_hasty();
std::string_view user_piecemeal();
std::string_view user_plain();
std::string_view user_reserved();
std::string_view user_sceptical();
std::string_view user_single_minded();
std::string_view user_sloppy();
std::string_view user_stern();

}  // namespace turnhalle::embedded

namespace turnhalle::users {
namespace {

struct File {
  std::string_view name;
  std::string_view (*text)();
};

// By name.
constexpr std::array<File, 15> kFiles = {{
    {"changeable", embedded::user_changeable},
    {"chatty", embedded::user_chatty},
    {"difficult", embedded::user_difficult},
    {"endless", embedded::user_endless},
    {"evasive", embedded::user_evasive},
    {"formal", embedded::user_formal},
    {"forthcoming", embedded::user_forthcoming},
    {"hasty", embedded::user_hasty},
    {"piecemeal", embedded::user_piecemeal},
    {"plain", embedded::user_plain},
    {"reserved", embedded::user_reserved},
    {"sceptical", embedded::user_sceptical},
    {"single_minded", embedded::user_single_minded},
    {"sloppy", embedded::user_sloppy},
    {"stern", embedded::user_stern},
}};

}  // namespace

const std::vector<Persona>& shipped_personas() {
  static const std::vector<Persona> kPersonas = [] {
    std::vector<Persona> personas;
    for (const File& file : kFiles) {
      const Result<JsonDocument> document =
          parse_json(std::string(file.text()), "scenarios/users/" + std::string(file.name));
      check(document.ok(), "a shipped persona is JSON", file.name);
      Result<Persona> persona = persona_from(*document);
      check(persona.ok(), "a shipped persona is readable", file.name);
      personas.push_back(*std::move(persona));
    }
    return personas;
  }();
  return kPersonas;
}

}  // namespace turnhalle::users
