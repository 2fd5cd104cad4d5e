// Result<T>: a value, or an Error that says where and what.
//
// For bad input and a bad world. The caller may add context; the top level prints the error
// once. Bugs of our own go through check() instead.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "core/check.h"

namespace turnhalle {

/// What went wrong, and where: `where` is FILE, FILE:LINE:COLUMN or FILE:LINE:COLUMN POINTER.
struct Error {
  std::string where;
  std::string message;

  /// One line for people, without the program's name.
  std::string text() const { return where.empty() ? message : where + ": " + message; }
};

/// Either a T or an Error. Reading the wrong side is a bug and stops the program.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    check(ok(), "a Result is read as a value only when it holds one", message());
    return std::get<0>(content_);
  }
  const T& value() const& {
    check(ok(), "a Result is read as a value only when it holds one", message());
    return std::get<0>(content_);
  }
  T value() && {  // by value, so that nobody keeps a reference into a temporary
    check(ok(), "a Result is read as a value only when it holds one", message());
    return std::get<0>(std::move(content_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    check(!ok(), "a Result is read as an error only when it holds one");
    return std::get<1>(content_);
  }

 private:
  std::string message() const { return ok() ? "" : std::get<1>(content_).text(); }
  std::variant<T, Error> content_;
};

/// Success without a value, or an Error.
struct Nothing {};
using Status = Result<Nothing>;
inline Status ok_status() { return Nothing{}; }

}  // namespace turnhalle
