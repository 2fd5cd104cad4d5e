// The expression language of tool APIs: total, typed and deterministic.
//
//   values       1  2.5  'text'  true  false  null  [a, b]  {name: a, 'other key': b}
//   names        state.field, constants.name, parameters and locals
//   operators    a if c else b   or   and   not   in  not in  == != < <= > >=   + -  * / // %   -a
//                a.field   a[key]   a[position]
//   functions    see kFunctions in expr_functions.cc; the API's own come beside them
//   with a body  filter(list, x: condition) map any all count first sum sort_by
//
// Every expression has a type that is known before it runs. Running ends: there are no loops but
// over lists, and steps and bytes are counted. What has no value (a missing key, a division by
// zero, an overflow, too many steps) stops the evaluation with a reason instead of a result.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "envs/tool_api/type.h"
#include "envs/tool_api/value.h"

namespace turnhalle::tool_api {

inline constexpr std::size_t kExpressionBytesMax = 4000;
inline constexpr int kExpressionNestingMax = 64;  ///< of brackets and choices
inline constexpr int kExpressionDepthMax = 300;   ///< of the tree, with the functions it calls
inline constexpr std::int64_t kStepsMax = 1'000'000;
inline constexpr std::int64_t kBytesMax = 16 << 20;  ///< built by one evaluation

struct Function;

/// The names that an expression may use.
struct Scope {
  TypeRef state;                                       ///< null: there is no state
  Value constants;                                     ///< a map
  std::vector<std::pair<std::string, TypeRef>> locals = {};
  std::vector<std::shared_ptr<const Function>> functions = {};
};

/// One evaluation: what names stand for, and what it may still use up.
struct Evaluation {
  const Value* state = nullptr;
  std::vector<Value> locals = {};  ///< in the order of the scope's
  std::int64_t steps = kStepsMax;
  std::int64_t bytes = kBytesMax;
  std::string fault = {};  ///< why there is no value; empty: there is one

  bool ok() const { return fault.empty(); }
  /// Keeps the first reason. Gives null.
  Value fail(std::string why);
};

class Expression {
 public:
  /// The error's message: what was expected, at which column, and what was found.
  static Result<Expression> parse(std::string_view text, const Scope& scope);
  /// A path into the state that can be written to: state, fields, keys, positions.
  bool is_path() const;

  const TypeRef& type() const { return type_; }
  /// Null with evaluation.fault when there is no value. Leaves the locals as they were.
  Value evaluate(Evaluation& evaluation) const;
  /// The same of one node: a key inside a path.
  Value evaluate_part(std::size_t node, Evaluation& evaluation) const;
  int depth() const { return depth_; }

  enum class Operation : std::uint8_t {
    constant,
    state,
    local,
    field,
    index,
    list,
    record,
    negate,
    logical_not,
    logical_and,
    logical_or,
    choose,
    arithmetic,
    comparison,
    contains,
    call,
    call_body,
    call_own
  };
  struct Node {
    Operation operation = Operation::constant;
    std::size_t number = 0;  ///< place of a local or field, code of an operator or function
    std::string name = {};
    Value value = {};
    std::vector<std::string> names = {};  ///< keys of a record
    std::vector<std::size_t> arguments = {};
  };
  const std::vector<Node>& nodes() const { return nodes_; }
  std::size_t root() const { return root_; }

 private:
  friend class ExpressionParser;
  friend class Evaluator;
  std::vector<Node> nodes_;
  std::size_t root_ = 0;
  TypeRef type_;
  int depth_ = 0;
  std::vector<std::shared_ptr<const Function>> functions_;
};

/// A function that an API defines. It may call those that stand before it.
struct Function {
  std::string name;
  std::vector<std::pair<std::string, TypeRef>> parameters;
  Expression body;
};

/// Text with {expressions} in it: "Order {id} is {state.orders[id].status}." Two braces stand for
/// one; {expression|words} is used by variants that leave a value out (task_variants.h).
class Template {
 public:
  struct Slot {
    Expression expression;
    std::string words;  ///< what stands there when the value is left out; may be empty
  };
  static Result<Template> parse(std::string_view text, const Scope& scope);
  /// `left_out`: the slot whose words are used instead; −1: none.
  std::string render(Evaluation& evaluation, std::int64_t left_out = -1) const;
  const std::vector<Slot>& slots() const { return slots_; }

 private:
  std::vector<std::string> pieces_;  // one more than slots
  std::vector<Slot> slots_;
};

/// A value in a text: texts as they are, others in canonical form.
std::string plain_text(const Value& value);

}  // namespace turnhalle::tool_api
