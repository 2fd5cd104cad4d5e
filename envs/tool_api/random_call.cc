#include "envs/tool_api/random_call.h"

namespace turnhalle::tool_api {
namespace {

using Kind = Type::Kind;

void collect_texts(const Value& value, std::vector<std::string>& texts) {
  if (value.is_text()) texts.push_back(value.text());
  for (const Value& item : value.list()) collect_texts(item, texts);
  for (const auto& [key, item] : value.map()) {
    texts.push_back(key);
    collect_texts(item, texts);
  }
}

}  // namespace

ArgumentDrawer::ArgumentDrawer(const Value& state, Random& random) : random_(random) {
  collect_texts(state, texts_);
}

Json ArgumentDrawer::arguments(const Tool& tool) {
  Json json = Json::object();
  for (const Parameter& parameter : tool.parameters) {
    if (!parameter.required && random_.chance(1, 2)) continue;
    json[parameter.name] = parameter.one_of.empty()
                               ? of_type(*parameter.type)
                               : to_json(parameter.one_of[random_.below(parameter.one_of.size())]);
  }
  return json;
}

Json ArgumentDrawer::of_type(const Type& type) {
  switch (type.kind) {
    case Kind::boolean:
      return random_.chance(1, 2);
    case Kind::integer:
    case Kind::number:
      return random_.between(0, 20);
    case Kind::string:
      return texts_.empty() ? "x" : texts_[random_.below(texts_.size())];
    case Kind::list:
      return Json::array({of_type(*type.element)});
    case Kind::record: {
      Json json = Json::object();
      for (const auto& [name, field] : type.fields) json[name] = of_type(*field);
      return json;
    }
    default:
      return Json::object();
  }
}

}  // namespace turnhalle::tool_api
