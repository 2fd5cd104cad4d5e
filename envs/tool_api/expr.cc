#include "envs/tool_api/expr.h"

#include <algorithm>

#include "core/text.h"
#include "envs/tool_api/expr_functions.h"
#include "envs/tool_api/expr_operators.h"

namespace turnhalle::tool_api {

using Operation = Expression::Operation;

// Walks the tree. After a fault every node gives null, and nothing else happens.
class Evaluator {
 public:
  Evaluator(const Expression& expression, Evaluation& evaluation)
      : expression_(expression), evaluation_(evaluation) {}

  Value value_of(std::size_t place) {
    if (!evaluation_.fault.empty()) return {};
    if (--evaluation_.steps < 0) return evaluation_.fail("too many steps");
    const Expression::Node& node = expression_.nodes_[place];
    switch (node.operation) {
      case Operation::constant:
        return node.value;
      case Operation::state:
        return evaluation_.state != nullptr ? *evaluation_.state : Value();
      case Operation::local:
        return node.number < evaluation_.locals.size() ? evaluation_.locals[node.number] : Value();
      case Operation::field:
      case Operation::index: {
        const Value* part = part_of(place);
        return part != nullptr ? *part : Value();
      }
      case Operation::list:
      case Operation::record:
        return composed(node);
      case Operation::call:
      case Operation::call_body:
      case Operation::call_own:
        return called(node);
      default:
        return operated(node);
    }
  }

 private:
  bool truth(std::size_t place) { return value_of(place).boolean(); }

  // A part of the state, of a local or of a value that is kept alive in held_, without copying
  // what is around it; null with a fault when there is none.
  const Value* part_of(std::size_t place) {
    const Expression::Node& node = expression_.nodes_[place];
    switch (node.operation) {
      case Operation::constant:
        return &node.value;
      case Operation::state:
        return evaluation_.state;
      case Operation::local:
        return node.number < evaluation_.locals.size() ? &evaluation_.locals[node.number] : nullptr;
      case Operation::field: {
        const Value* whole = part_of(node.arguments[0]);
        const Value* part = whole != nullptr ? whole->find_at(node.number, node.name) : nullptr;
        if (part == nullptr) evaluation_.fail("there is no field " + in_quotes(node.name));
        return part;
      }
      case Operation::index: {
        const Value key = value_of(node.arguments[1]);
        const Value* whole = part_of(node.arguments[0]);
        return whole != nullptr ? element(*whole, key) : nullptr;
      }
      default:
        held_ = value_of(place);
        return evaluation_.ok() ? &held_ : nullptr;
    }
  }

  const Value* element(const Value& whole, const Value& key) {
    if (whole.is_map()) {
      const Value* found = whole.find(key.text());
      if (found == nullptr) evaluation_.fail("there is no key " + in_quotes(key.text()));
      return found;
    }
    const std::int64_t place = key.integer();
    if (place < 0 || place >= std::ssize(whole.list())) {
      evaluation_.fail("there is no element " + std::to_string(place) + " in a list of " +
                       std::to_string(whole.list().size()));
      return nullptr;
    }
    return &whole.list()[static_cast<std::size_t>(place)];
  }

  Value composed(const Expression::Node& node) {
    if (!spend(evaluation_, node.arguments.size() * sizeof(Value))) return {};
    if (node.operation == Operation::list) {
      Value::List items;
      items.reserve(node.arguments.size());
      for (const std::size_t argument : node.arguments) items.push_back(value_of(argument));
      return Value::list(std::move(items));
    }
    Value::Map entries;
    entries.reserve(node.arguments.size());
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
      entries.emplace_back(node.names[i], value_of(node.arguments[i]));
    }
    return Value::map(std::move(entries));
  }

  Value operated(const Expression::Node& node) {
    const auto& arguments = node.arguments;
    switch (node.operation) {
      case Operation::logical_not:
        return Value::of(!truth(arguments[0]));
      case Operation::logical_and:
        return Value::of(truth(arguments[0]) && truth(arguments[1]));
      case Operation::logical_or:
        return Value::of(truth(arguments[0]) || truth(arguments[1]));
      case Operation::choose:
        return value_of(truth(arguments[0]) ? arguments[1] : arguments[2]);
      case Operation::negate:
        return calculate('-', evaluation_, Value::of(std::int64_t{0}), value_of(arguments[0]));
      default:
        break;
    }
    const Value left = value_of(arguments[0]);
    const Value right = value_of(arguments[1]);
    if (!evaluation_.ok()) return {};
    if (node.operation == Operation::arithmetic) {
      return calculate(static_cast<char>(node.number), evaluation_, left, right);
    }
    if (node.operation == Operation::comparison) {
      return Value::of(holds(static_cast<Comparison>(node.number), left, right));
    }
    return Value::of(contains(left, right));
  }

  bool contains(const Value& item, const Value& whole) {
    if (whole.is_text()) return whole.text().find(item.text()) != std::string::npos;
    if (whole.is_map()) return whole.find(item.text()) != nullptr;
    evaluation_.steps -= std::ssize(whole.list());
    return std::any_of(whole.list().begin(), whole.list().end(),
                       [&](const Value& other) { return equal(item, other); });
  }

  Value called(const Expression::Node& node) {
    if (node.operation == Operation::call_body) return called_with_body(node);
    std::vector<Value> arguments;
    arguments.reserve(node.arguments.size());
    for (const std::size_t argument : node.arguments) arguments.push_back(value_of(argument));
    if (!evaluation_.ok()) return {};
    if (node.operation == Operation::call) {
      for (const Value& argument : arguments) {
        evaluation_.steps -= std::ssize(argument.list()) + std::ssize(argument.map());
      }
      return functions()[node.number].run(evaluation_, arguments);
    }
    std::swap(evaluation_.locals, arguments);
    Value result = expression_.functions_[node.number]->body.evaluate(evaluation_);
    std::swap(evaluation_.locals, arguments);
    return result;
  }

  Value called_with_body(const Expression::Node& node) {
    const Value list = value_of(node.arguments[0]);
    const auto function = static_cast<BodyFunction>(node.number);
    std::vector<Value> results;
    std::size_t taken = 0;
    evaluation_.locals.emplace_back();
    for (const Value& item : list.list()) {
      evaluation_.locals.back() = item;
      results.push_back(value_of(node.arguments[1]));
      if (!evaluation_.ok()) break;
      const bool yes = results.back().boolean();
      taken += yes ? 1 : 0;
      if ((yes && (function == BodyFunction::any || function == BodyFunction::first)) ||
          (!yes && function == BodyFunction::all)) {
        break;
      }
    }
    evaluation_.locals.pop_back();
    if (!evaluation_.ok() || !spend(evaluation_, results.size() * sizeof(Value))) return {};
    return reduced(function, list.list(), std::move(results), taken);
  }

  Value reduced(BodyFunction function, const Value::List& items, std::vector<Value> results,
                std::size_t taken) {
    switch (function) {
      case BodyFunction::map:
        return Value::list(std::move(results));
      case BodyFunction::any:
        return Value::of(taken > 0);
      case BodyFunction::all:
        return Value::of(taken == items.size());
      case BodyFunction::count:
        return Value::of(static_cast<std::int64_t>(taken));
      case BodyFunction::first:
        return taken > 0 ? items[results.size() - 1] : Value();
      case BodyFunction::sum: {
        Value total = Value::of(std::int64_t{0});
        for (const Value& result : results) total = add_numbers(evaluation_, total, result);
        return total;
      }
      case BodyFunction::filter: {
        Value::List kept;
        for (std::size_t i = 0; i < results.size(); ++i) {
          if (results[i].boolean()) kept.push_back(items[i]);
        }
        return Value::list(std::move(kept));
      }
      default:
        return sorted(items, results);
    }
  }

  static Value sorted(const Value::List& items, const std::vector<Value>& keys) {
    std::vector<std::size_t> order(items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return less(keys[a], keys[b]); });
    Value::List result;
    for (const std::size_t place : order) result.push_back(items[place]);
    return Value::list(std::move(result));
  }

  const Expression& expression_;
  Evaluation& evaluation_;
  Value held_;
};

Value Evaluation::fail(std::string why) {
  if (fault.empty()) fault = std::move(why);
  return {};
}

Value Expression::evaluate(Evaluation& evaluation) const {
  return evaluate_part(root_, evaluation);
}

Value Expression::evaluate_part(std::size_t node, Evaluation& evaluation) const {
  if (nodes_.empty()) return {};
  Value value = Evaluator(*this, evaluation).value_of(node);
  return evaluation.ok() ? value : Value();
}

bool Expression::is_path() const {
  std::size_t place = root_;
  bool below = false;
  while (nodes_[place].operation == Operation::field ||
         nodes_[place].operation == Operation::index) {
    place = nodes_[place].arguments[0];
    below = true;
  }
  return below && nodes_[place].operation == Operation::state;
}

std::string plain_text(const Value& value) {
  return value.is_text() ? value.text() : canonical_text(value);
}

Result<Template> Template::parse(std::string_view text, const Scope& scope) {
  Template made;
  std::string piece;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      piece += c;
      ++i;
      continue;
    }
    if (c == '}') {
      return Error{"", "two closing braces for one, at column " + std::to_string(i + 1)};
    }
    if (c != '{') {
      piece += c;
      continue;
    }
    const std::size_t end = text.find('}', i);
    if (end == std::string_view::npos) {
      return Error{"", "a closing brace for the one at column " + std::to_string(i + 1)};
    }
    const std::string_view inside = text.substr(i + 1, end - i - 1);
    const std::size_t bar = inside.rfind('|');
    Result<Expression> expression = Expression::parse(inside.substr(0, bar), scope);
    if (!expression) {
      return Error{"", "an expression in braces at column " + std::to_string(i + 1) + " (" +
                           expression.error().message + ")"};
    }
    made.pieces_.push_back(std::move(piece));
    piece.clear();
    made.slots_.push_back({*std::move(expression), bar == std::string_view::npos
                                                       ? std::string()
                                                       : std::string(inside.substr(bar + 1))});
    i = end;
  }
  made.pieces_.push_back(std::move(piece));
  return made;
}

std::string Template::render(Evaluation& evaluation, std::int64_t left_out) const {
  std::string out;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    out += pieces_[i];
    if (static_cast<std::int64_t>(i) == left_out) {
      out += slots_[i].words;
    } else {
      out += plain_text(slots_[i].expression.evaluate(evaluation));
    }
  }
  return pieces_.empty() ? out : out + pieces_.back();
}

}  // namespace turnhalle::tool_api
