#include "envs/user_gyms/telepathy_table.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

#include "core/check.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms {
namespace {

constexpr std::array<Property, 24> kProperties = {{
    {"alive", "Is it alive?", "alive living"},
    {"animal", "Is it an animal?", "animal creature"},
    {"plant", "Is it a plant?", "plant"},
    {"mammal", "Is it a mammal?", "mammal"},
    {"bird", "Is it a bird?", "bird feathers"},
    {"water", "Does it live or move in water?", "water swim swims sea"},
    {"flies", "Can it fly or float in the air?", "flies fly flying air"},
    {"legs", "Does it have legs?", "legs leg"},
    {"edible", "Do people eat it?", "edible eat eaten food"},
    {"sweet", "Is it sweet?", "sweet"},
    {"big", "Is it bigger than a person?", "big bigger large larger"},
    {"small", "Does it fit in a hand?", "small hand pocket tiny"},
    {"made", "Is it made by people?", "made artificial manufactured"},
    {"metal", "Is it mostly metal?", "metal steel iron"},
    {"wood", "Is it mostly wood?", "wood wooden"},
    {"electric", "Does it need electricity?", "electric electricity battery"},
    {"wheels", "Does it have wheels?", "wheels wheel"},
    {"indoors", "Is it mostly found indoors?", "indoors inside room"},
    {"sound", "Is it known for its sound?", "sound noise music loud"},
    {"worn", "Is it worn on the body?", "worn wear clothes"},
    {"round", "Is it round?", "round circular"},
    {"wild", "Is it found in nature?", "wild nature outdoors"},
    {"dangerous", "Is it dangerous?", "dangerous danger"},
    {"carries", "Does it carry people?", "carries carry ride passengers"},
}};

struct Row {
  std::string_view name;
  std::string_view yes;
  std::string_view maybe;
};

// What is listed in neither column is not so.
constexpr Row kRows[] = {
    {"airplane", "made metal flies carries big sound wheels", "dangerous"},
    {"apple", "edible sweet small round", "alive plant"},
    {"ball", "made round", "small"},
    {"bat", "alive animal mammal flies legs wild small", ""},
    {"bed", "made indoors big", "wood legs"},
    {"bee", "alive animal flies legs small wild sound", "dangerous"},
    {"bell", "made metal sound", "small"},
    {"bicycle", "made metal wheels carries", ""},
    {"boat", "made water carries big", "wood"},
    {"bread", "edible made", "round small"},
    {"bridge", "made big carries", "metal wood"},
    {"butterfly", "alive animal flies legs small wild", ""},
    {"cactus", "alive plant wild dangerous", "big indoors"},
    {"cake", "edible sweet made", "round"},
    {"candle", "made indoors small", "dangerous"},
    {"car", "made metal wheels carries big sound", "dangerous electric"},
    {"carrot", "edible small", "alive plant sweet"},
    {"cat", "alive animal mammal legs indoors", "sound"},
    {"chair", "made wood legs indoors", ""},
    {"cheese", "edible made", "small"},
    {"chicken", "alive animal bird legs edible sound", "flies"},
    {"clock", "made indoors round sound", "electric"},
    {"cloud", "flies big", "water"},
    {"coin", "made metal small round", ""},
    {"cow", "alive animal mammal legs big edible sound", "dangerous"},
    {"crab", "alive animal water legs wild edible", "small dangerous"},
    {"dog", "alive animal mammal legs sound indoors", "dangerous"},
    {"drum", "made sound round indoors", "wood"},
    {"duck", "alive animal bird flies water legs edible sound", "wild"},
    {"eagle", "alive animal bird flies legs wild dangerous", ""},
    {"egg", "edible small round", "alive"},
    {"elephant", "alive animal mammal legs big wild sound dangerous", "carries"},
    {"fridge", "made electric indoors metal", "big sound"},
    {"frog", "alive animal water legs small wild sound", ""},
    {"grass", "alive plant wild small", ""},
    {"guitar", "made wood sound indoors", "electric"},
    {"hat", "made worn", "round"},
    {"helicopter", "made metal flies carries big sound", "dangerous"},
    {"honey", "edible sweet", ""},
    {"horse", "alive animal mammal legs big carries", "wild"},
    {"house", "made big", "wood"},
    {"kite", "made flies", ""},
    {"knife", "made metal small indoors dangerous", ""},
    {"lamp", "made electric indoors", "metal"},
    {"lion", "alive animal mammal legs wild dangerous sound", "big"},
    {"mountain", "big wild", "dangerous"},
    {"mouse", "alive animal mammal legs small indoors", "wild"},
    {"oak", "alive plant wood big wild", ""},
    {"owl", "alive animal bird flies legs wild sound", ""},
    {"pencil", "made wood small indoors", ""},
    {"penguin", "alive animal bird water legs wild", ""},
    {"phone", "made electric sound small indoors", ""},
    {"piano", "made wood sound indoors big", ""},
    {"pizza", "edible made round", ""},
    {"radio", "made electric sound indoors", "small"},
    {"ring", "made metal small round worn", ""},
    {"river", "water big wild", "dangerous"},
    {"rocket", "made metal flies big sound dangerous", "carries"},
    {"rose", "alive plant small", "wild indoors"},
    {"salmon", "alive animal water wild edible", ""},
    {"saw", "made metal dangerous", "wood"},
    {"shark", "alive animal water big wild dangerous", "edible"},
    {"sheep", "alive animal mammal legs edible sound", ""},
    {"shoe", "made worn small", ""},
    {"snake", "alive animal wild dangerous", "small"},
    {"spider", "alive animal legs small indoors", "dangerous wild"},
    {"spoon", "made metal small indoors", ""},
    {"stone", "small wild", "round"},
    {"sun", "round big dangerous", ""},
    {"train", "made metal wheels carries big sound electric", ""},
    {"watch", "made worn small round", "metal electric"},
    {"whale", "alive animal mammal water big wild sound", ""},
};

struct Entity {
  std::string name;
  std::array<Truth, kProperties.size()> truth{};
};

struct Table {
  std::vector<Entity> entities;
  std::map<std::string, std::size_t, std::less<>> entity_of;
  std::map<std::string, std::size_t, std::less<>> property_of;  // by each of its words
};

void mark(Entity& entity, std::string_view names, Truth truth) {
  for (const std::string& name : words_of(names)) {
    const auto place = std::find_if(kProperties.begin(), kProperties.end(),
                                    [&](const Property& p) { return p.name == name; });
    check(place != kProperties.end(), "the table of things lists known properties");
    entity.truth[static_cast<std::size_t>(place - kProperties.begin())] = truth;
  }
}

const Table& table() {
  static const Table kTable = [] {
    Table made;
    for (const Row& row : kRows) {
      Entity entity;
      entity.name = row.name;
      mark(entity, row.yes, Truth::yes);
      mark(entity, row.maybe, Truth::maybe);
      made.entity_of[entity.name] = made.entities.size();
      made.entities.push_back(std::move(entity));
    }
    for (std::size_t i = 0; i < kProperties.size(); ++i) {
      for (const std::string& word : words_of(kProperties[i].words)) made.property_of[word] = i;
    }
    return made;
  }();
  return kTable;
}

// Places in `names` of the words that stand there, each once.
std::set<std::size_t> found_in(const std::map<std::string, std::size_t, std::less<>>& names,
                               const std::vector<std::string>& words) {
  std::set<std::size_t> found;
  for (const std::string& word : words) {
    const auto place = names.find(word);
    if (place != names.end()) found.insert(place->second);
  }
  return found;
}

}  // namespace

std::size_t property_count() { return kProperties.size(); }
const Property& property(std::size_t index) { return kProperties[index]; }
std::size_t entity_count() { return std::size(kRows); }
const std::string& entity_name(std::size_t index) { return table().entities[index].name; }

Truth truth_of(std::size_t entity, std::size_t property) {
  return table().entities[entity].truth[property];
}

Question read_question(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  const bool negated = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "not" || word == "never" || word == "isn" || word == "doesn";
  });
  const std::set<std::size_t> properties = found_in(table().property_of, words);
  const std::set<std::size_t> entities = found_in(table().entity_of, words);
  if (negated || properties.size() + entities.size() != 1) return {};
  if (!properties.empty()) return {Question::Kind::property, *properties.begin()};
  return {Question::Kind::entity, *entities.begin()};
}

Truth truth_of(std::size_t entity, const Question& question) {
  switch (question.kind) {
    case Question::Kind::property:
      return truth_of(entity, question.index);
    case Question::Kind::entity:
      return entity == question.index ? Truth::yes : Truth::no;
    case Question::Kind::unclear:
      break;
  }
  return Truth::unknown;
}

std::optional<std::size_t> entity_named(std::string_view text) {
  const std::set<std::size_t> entities = found_in(table().entity_of, words_of(text));
  if (entities.size() != 1) return std::nullopt;
  return *entities.begin();
}

}  // namespace turnhalle::user_gyms
