// The files of scenarios/users, read once.
#include <array>
#include <string_view>

#include "agents/users/persona.h"
#include "core/check.h"

namespace turnhalle::embedded {

std::string_view user_changeable();
std::string_view user_chatty();
std::string_view user_curt();
std::string_view user_demanding();
std::string_view user_difficult();
std::string_view user_digressive();
std::string_view user_endless();
std::string_view user_evasive();
std::string_view user_foreign();
std::string_view user_forgetful();
std::string_view user_formal();
std::string_view user_forthcoming();
std::string_view user_guarded();
std::string_view user_hasty();
std::string_view user_impatient();
std::string_view user_muddled();
std::string_view user_piecemeal();
std::string_view user_plain();
std::string_view user_rephrasing();
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
constexpr std::array<File, 24> kFiles = {{
    {"changeable", embedded::user_changeable},
    {"chatty", embedded::user_chatty},
    {"curt", embedded::user_curt},
    {"demanding", embedded::user_demanding},
    {"difficult", embedded::user_difficult},
    {"digressive", embedded::user_digressive},
    {"endless", embedded::user_endless},
    {"evasive", embedded::user_evasive},
    {"foreign", embedded::user_foreign},
    {"forgetful", embedded::user_forgetful},
    {"formal", embedded::user_formal},
    {"forthcoming", embedded::user_forthcoming},
    {"guarded", embedded::user_guarded},
    {"hasty", embedded::user_hasty},
    {"impatient", embedded::user_impatient},
    {"muddled", embedded::user_muddled},
    {"piecemeal", embedded::user_piecemeal},
    {"plain", embedded::user_plain},
    {"rephrasing", embedded::user_rephrasing},
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
