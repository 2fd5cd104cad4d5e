// From text to a typed tree.
#include <algorithm>

#include "core/text.h"
#include "envs/tool_api/expr.h"
#include "envs/tool_api/expr_functions.h"
#include "envs/tool_api/expr_operators.h"
#include "envs/tool_api/expr_tokens.h"

namespace turnhalle::tool_api {

using Kind = Type::Kind;
using Operation = Expression::Operation;

// Recursive descent; each function reads one level of precedence and gives the node it made, or
// nothing after a failure.
class ExpressionParser : private ExpressionTokens {
 public:
  ExpressionParser(std::string_view text, const Scope& scope)
      : ExpressionTokens(text), scope_(scope), locals_(scope.locals) {}

  Result<Expression> parse() {
    if (text_.size() > kExpressionBytesMax) {
      return Error{"", "an expression of at most " + std::to_string(kExpressionBytesMax) +
                           " bytes"};
    }
    const Place root = choice();
    skip_space();
    if (error_.empty() && at_ < text_.size()) fail("an operator or the end");
    if (!error_.empty()) {
      return Error{"", error_};
    }
    if (depths_[root] > kExpressionDepthMax) {
      return Error{"", "an expression of at most " + std::to_string(kExpressionDepthMax) +
                           " levels, with the functions that it calls"};
    }
    made_.root_ = root;
    made_.type_ = types_[root];
    made_.depth_ = depths_[root];
    return std::move(made_);
  }

 private:
  using Place = std::size_t;

  // Counts the nesting while one level is read.
  struct Level {
    explicit Level(ExpressionParser& owner) : parser(owner) {
      if (++parser.nesting_ > kExpressionNestingMax) parser.fail("less nesting");
    }
    ~Level() { --parser.nesting_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ExpressionParser& parser;
  };

  bool failed() const { return !error_.empty(); }

  Place fail(const std::string& expected) { return fail_at(at_, expected); }
  Place fail_at(std::size_t at, const std::string& expected) {
    if (error_.empty()) {
      error_ = "expected " + expected + " at column " + std::to_string(at + 1) + "; found " +
               (at < text_.size() ? in_quotes(text_.substr(at, 20)) : "the end");
    }
    return add({}, type_of(Kind::never));
  }

  Place add(Expression::Node node, TypeRef type, int called = 0) {
    int below = called;
    for (const Place argument : node.arguments) below = std::max(below, depths_[argument]);
    depths_.push_back(below + 1);
    made_.nodes_.push_back(std::move(node));
    types_.push_back(std::move(type));
    return made_.nodes_.size() - 1;
  }
  Place add_constant(Value value, TypeRef type) {
    Expression::Node node;
    node.value = std::move(value);
    return add(std::move(node), std::move(type));
  }
  Place add_operator(Operation operation, std::size_t number, std::vector<Place> arguments,
                     TypeRef type) {
    Expression::Node node;
    node.operation = operation;
    node.number = number;
    node.arguments = std::move(arguments);
    return add(std::move(node), std::move(type));
  }
  const Type& type(Place place) const { return *types_[place]; }

  void want(std::string_view symbol) {
    if (!take(symbol)) fail("\"" + std::string(symbol) + "\"");
  }
  void demand(Place place, std::size_t at, Kind kind) {
    if (failed() || assignable(type(place), *type_of(kind))) return;
    fail_at(at, "a value of type " + name_of(*type_of(kind)) + ", not " + name_of(type(place)));
  }

  Place choice() {
    const Level level(*this);
    if (failed()) return 0;
    const Place then = either();
    if (failed() || !take_word("if")) return then;
    const std::size_t at = at_;
    const Place condition = either();
    demand(condition, at, Kind::boolean);
    if (!failed() && !take_word("else")) fail("\"else\"");
    if (failed()) return 0;
    const Place otherwise = choice();
    if (failed()) return 0;
    return add_operator(Operation::choose, 0, {condition, then, otherwise},
                        join(types_[then], types_[otherwise]));
  }

  Place either() {
    std::size_t begin = at_;
    Place left = both();
    while (!failed() && take_word("or")) {
      demand(left, begin, Kind::boolean);
      begin = at_;
      const Place right = both();
      demand(right, begin, Kind::boolean);
      left = add_operator(Operation::logical_or, 0, {left, right}, type_of(Kind::boolean));
    }
    return left;
  }

  Place both() {
    std::size_t begin = at_;
    Place left = inverse();
    while (!failed() && take_word("and")) {
      demand(left, begin, Kind::boolean);
      begin = at_;
      const Place right = inverse();
      demand(right, begin, Kind::boolean);
      left = add_operator(Operation::logical_and, 0, {left, right}, type_of(Kind::boolean));
    }
    return left;
  }

  Place inverse() {
    if (!take_word("not")) return comparison();
    const Level level(*this);
    if (failed()) return 0;
    const std::size_t at = at_;
    const Place inner = inverse();
    demand(inner, at, Kind::boolean);
    return add_operator(Operation::logical_not, 0, {inner}, type_of(Kind::boolean));
  }

  Place comparison() {
    const std::size_t begin = at_;
    const Place left = sum();
    if (failed()) return left;
    const std::size_t at = at_;
    const bool not_in = take_word("not");
    if (take_word("in")) {
      const Place right = sum();
      return failed() ? 0 : contains(left, right, at, not_in);
    }
    if (not_in) return fail("\"in\"");
    for (std::size_t code = 0; code < kComparisons.size(); ++code) {
      if (!take(kComparisons[code])) continue;
      const Place right = sum();
      if (failed()) return 0;
      if (!comparable(static_cast<Comparison>(code), type(left), type(right))) {
        return fail_at(begin, "two values that can be compared, not " + name_of(type(left)) +
                                  " and " + name_of(type(right)));
      }
      return add_operator(Operation::comparison, code, {left, right}, type_of(Kind::boolean));
    }
    return left;
  }

  Place contains(Place item, Place whole, std::size_t at, bool inverted) {
    if (!can_contain(type(whole), type(item))) {
      return fail_at(at, "a list of such values, or a string in a map or a string, not " +
                             name_of(type(item)) + " in " + name_of(type(whole)));
    }
    const Place found =
        add_operator(Operation::contains, 0, {item, whole}, type_of(Kind::boolean));
    if (!inverted) return found;
    return add_operator(Operation::logical_not, 0, {found}, type_of(Kind::boolean));
  }

  Place sum() {
    std::size_t begin = at_;
    Place left = product();
    while (!failed()) {
      const char symbol = take("+") ? '+' : take("-") ? '-' : '\0';
      if (symbol == '\0') break;
      left = arithmetic(symbol, left, product(), begin);
    }
    return left;
  }

  Place product() {
    std::size_t begin = at_;
    Place left = negation();
    while (!failed()) {
      const char symbol = take("//")  ? '|'
                          : take("/") ? '/'
                          : take("*") ? '*'
                          : take("%") ? '%'
                                      : '\0';
      if (symbol == '\0') break;
      left = arithmetic(symbol, left, negation(), begin);
    }
    return left;
  }

  Place arithmetic(char symbol, Place left, Place right, std::size_t at) {
    if (failed()) return 0;
    TypeRef result = arithmetic_type(symbol, types_[left], types_[right]);
    if (result == nullptr) {
      return fail_at(at, "numbers, or two strings or lists for +, not " + name_of(type(left)) +
                             " and " + name_of(type(right)));
    }
    return add_operator(Operation::arithmetic, static_cast<std::size_t>(symbol), {left, right},
                        std::move(result));
  }

  Place negation() {
    if (!take("-")) return postfix();
    const Level level(*this);
    if (failed()) return 0;
    const std::size_t at = at_;
    const Place inner = negation();
    demand(inner, at, Kind::number);
    if (failed()) return 0;
    return add_operator(Operation::negate, 0, {inner}, types_[inner]);
  }

  Place postfix() {
    Place place = primary();
    while (!failed()) {
      skip_space();
      const std::size_t at = at_;
      if (at_ + 1 < text_.size() && text_[at_] == '.' && is_letter(text_[at_ + 1])) {
        ++at_;
        place = field(place, at);
      } else if (take("[")) {
        place = index(place, at);
      } else {
        break;
      }
    }
    return place;
  }

  Place field(Place whole, std::size_t at) {
    const std::string name = take_any_word();
    const Type& record = type(whole);
    if (record.optional) return fail_at(at, "value(…) around what may be null");
    const Type::Field* found = record.kind == Kind::record ? record.field(name) : nullptr;
    if (found == nullptr) {
      std::vector<std::string> known;
      for (const auto& entry : record.fields) known.push_back(entry.first);
      return fail_at(at + 1, record.kind == Kind::record
                                 ? "a field (" + turnhalle::join(known, ", ") + ")" +
                                       did_you_mean(name, known)
                                 : "a record before the dot, not " + name_of(record));
    }
    const auto number = static_cast<std::size_t>(found - record.fields.data());
    const TypeRef result = found->second;
    if (const Expression::Node& node = made_.nodes_[whole];
        node.operation == Operation::constant) {
      return add_constant(*node.value.find(name), result);
    }
    const Place place = add_operator(Operation::field, number, {whole}, result);
    made_.nodes_[place].name = name;
    return place;
  }

  Place index(Place whole, std::size_t at) {
    const std::size_t key_at = at_;
    const Place key = choice();
    want("]");
    if (failed()) return 0;
    const Type& in = type(whole);
    if (in.optional) return fail_at(at, "value(…) around what may be null");
    if (in.kind == Kind::list) {
      demand(key, key_at, Kind::integer);
      return failed() ? 0 : add_operator(Operation::index, 0, {whole, key}, in.element);
    }
    if (in.kind != Kind::map && in.kind != Kind::record) {
      return fail_at(at, "a list or a map before the bracket, not " + name_of(in));
    }
    demand(key, key_at, Kind::string);
    if (failed()) return 0;
    TypeRef element = in.element;
    if (in.kind == Kind::record) {
      element = type_of(Kind::never);
      for (const auto& entry : in.fields) element = join(element, entry.second);
    }
    return add_operator(Operation::index, 0, {whole, key}, std::move(element));
  }

  Place primary() {
    const Level level(*this);
    if (failed()) return 0;
    skip_space();
    if (at_ >= text_.size()) return fail("a value");
    const char c = text_[at_];
    if (is_digit(c)) return number();
    if (c == '\'' || c == '"') return quoted();
    if (take("(")) {
      const Place inner = choice();
      want(")");
      return inner;
    }
    if (take("[")) return list();
    if (take("{")) return record();
    if (is_letter(c)) return word();
    return fail("a value");
  }

  Place number() {
    bool real = false;
    const std::size_t begin = at_;
    const std::string_view digits = take_digits(real);
    std::int64_t whole = 0;
    double value = 0.0;
    if (!real && parse_integer(digits, whole)) {
      return add_constant(Value::of(whole), type_of(Kind::integer));
    }
    if (!parse_double(digits, value)) return fail_at(begin, "a number that fits");
    return add_constant(Value::of(value), type_of(Kind::number));
  }

  Place quoted() {
    std::string text;
    if (!take_quoted(text)) return fail("the closing quote");
    return add_constant(Value::text(std::move(text)), type_of(Kind::string));
  }

  Place list() {
    std::vector<Place> items;
    TypeRef element = type_of(Kind::never);
    while (!failed() && !take("]")) {
      if (!items.empty()) want(",");
      items.push_back(choice());
      if (!failed()) element = join(element, types_[items.back()]);
    }
    if (failed()) return 0;
    return add_operator(Operation::list, 0, std::move(items), list_of(element));
  }

  Place record() {
    Expression::Node node;
    node.operation = Operation::record;
    std::vector<Type::Field> fields;
    while (!failed() && !take("}")) {
      if (!node.names.empty()) want(",");
      skip_space();
      const bool is_quoted = at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"');
      std::string name;
      if (is_quoted && !take_quoted(name)) fail("the closing quote");
      if (!is_quoted) name = take_any_word();
      if (name.empty() && !is_quoted) fail("a field's name");
      const bool twice = std::find(node.names.begin(), node.names.end(), name) != node.names.end();
      if (twice) fail("each field once, not " + in_quotes(name) + " again");
      want(":");
      if (failed()) return 0;
      node.arguments.push_back(choice());
      if (failed()) return 0;
      fields.emplace_back(name, types_[node.arguments.back()]);
      node.names.push_back(std::move(name));
    }
    if (failed()) return 0;
    return add(std::move(node), record_of(std::move(fields)));
  }

  Place word() {
    const std::size_t begin = at_;
    const std::string name = take_any_word();
    if (name == "true" || name == "false") {
      return add_constant(Value::of(name == "true"), type_of(Kind::boolean));
    }
    if (name == "null") return add_constant(Value(), type_of(Kind::null));
    if (take("(")) return call(name, begin);
    if (name == "state" && scope_.state != nullptr) {
      return add_operator(Operation::state, 0, {}, scope_.state);
    }
    if (name == "constants") return add_constant(scope_.constants, infer(scope_.constants));
    for (std::size_t i = locals_.size(); i > 0; --i) {
      if (locals_[i - 1].first != name) continue;
      return add_operator(Operation::local, i - 1, {}, locals_[i - 1].second);
    }
    std::vector<std::string> known = {"constants"};
    if (scope_.state != nullptr) known.emplace_back("state");
    for (const auto& local : locals_) known.push_back(local.first);
    return fail_at(begin, "a name that is known here (" + turnhalle::join(known, ", ") + ")" +
                              did_you_mean(name, known));
  }

  Place call(const std::string& name, std::size_t begin) {
    if (const auto body = body_function(name)) return call_with_body(*body);
    std::vector<Place> arguments;
    std::vector<TypeRef> types;
    while (!failed() && !take(")")) {
      if (!arguments.empty()) want(",");
      arguments.push_back(choice());
      if (!failed()) types.push_back(types_[arguments.back()]);
    }
    if (failed()) return 0;
    for (const auto& own : scope_.functions) {
      if (own->name == name) return call_own(own, std::move(arguments), begin);
    }
    const auto known = functions();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const FunctionInfo& info) { return info.name == name; });
    if (found == known.end()) return unknown_function(name, begin);
    const Result<TypeRef> result = result_type(*found, types);
    if (!result) return fail_at(begin, result.error().message);
    return add_operator(Operation::call, static_cast<std::size_t>(found - known.begin()),
                        std::move(arguments), *result);
  }

  Place unknown_function(const std::string& name, std::size_t begin) {
    std::vector<std::string> names;
    for (const FunctionInfo& info : functions()) names.emplace_back(info.name);
    for (const std::string_view with_body : body_function_names()) names.emplace_back(with_body);
    for (const auto& own : scope_.functions) names.push_back(own->name);
    return fail_at(begin, "a function that exists" + did_you_mean(name, names));
  }

  Place call_own(const std::shared_ptr<const Function>& function, std::vector<Place> arguments,
                 std::size_t begin) {
    const auto& parameters = function->parameters;
    if (arguments.size() != parameters.size()) {
      return fail_at(begin, function->name + " with " + std::to_string(parameters.size()) +
                                " arguments, not " + std::to_string(arguments.size()));
    }
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (!assignable(type(arguments[i]), *parameters[i].second)) {
        return fail_at(begin, name_of(*parameters[i].second) + " as argument " +
                                  std::to_string(i + 1) + " of " + function->name + ", not " +
                                  name_of(type(arguments[i])));
      }
    }
    made_.functions_.push_back(function);
    Expression::Node node;
    node.operation = Operation::call_own;
    node.number = made_.functions_.size() - 1;
    node.arguments = std::move(arguments);
    return add(std::move(node), function->body.type(), function->body.depth());
  }

  Place call_with_body(BodyFunction function) {
    const std::size_t list_at = at_;
    const Place list = choice();
    if (failed()) return 0;
    if (type(list).kind != Kind::list || type(list).optional) {
      return fail_at(list_at, "a list, not " + name_of(type(list)));
    }
    want(",");
    const std::string name = take_any_word();
    if (name.empty()) return fail("a name for the element");
    want(":");
    if (failed()) return 0;
    const TypeRef element = type(list).element;
    locals_.emplace_back(name, element);
    const std::size_t body_at = at_;
    const Place body = choice();
    locals_.pop_back();
    want(")");
    if (failed()) return 0;
    const Result<TypeRef> result = body_type(function, element, types_[body]);
    if (!result) return fail_at(body_at, result.error().message);
    return add_operator(Operation::call_body, static_cast<std::size_t>(function), {list, body},
                        *result);
  }

  const Scope& scope_;
  std::vector<std::pair<std::string, TypeRef>> locals_;
  Expression made_;
  std::vector<TypeRef> types_;  // of the nodes
  std::vector<int> depths_;     // of what is below each, itself counted
  int nesting_ = 0;
  std::string error_;
};

Result<Expression> Expression::parse(std::string_view text, const Scope& scope) {
  return ExpressionParser(text, scope).parse();
}

}  // namespace turnhalle::tool_api
