// Result<T>: the value, or an Error that says whose fault it is, what, and where. Every fallible function returns one.
// HEIRLOOM_TRY(const auto x, f()) takes the value or returns the error; HEIRLOOM_CHECK(f()) is for Result<void>.
#pragma once

#include "heirloom/abi.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace heirloom {

enum class Code : std::int32_t {
  malformed = HEIRLOOM_MALFORMED,      // the file breaks its format's rules
  unsupported = HEIRLOOM_UNSUPPORTED,  // the file may be right, but this is not implemented
  io = HEIRLOOM_IO,                    // a file is missing, unreadable, or the disk is full
  limit = HEIRLOOM_LIMIT,              // the file asks for more than a stated limit
  misuse = HEIRLOOM_MISUSE,            // the caller or user asked for something that cannot be
  cancelled = HEIRLOOM_CANCELLED,      // the user asked to stop
  internal = HEIRLOOM_INTERNAL,        // a bug
};

inline constexpr std::uint64_t no_position = HEIRLOOM_NO_POSITION;

struct [[nodiscard]] Error {
  Code code = Code::internal;
  std::string message;                   // lower case, no full stop, names in quotes
  std::uint64_t position = no_position;  // byte in `file`
  std::string file = {};
  std::string tensor = {};

  // The same error with what an outer layer knows; what is there already stays.
  Error in_file(std::string_view name) && {
    if (file.empty())
      file = name;
    return std::move(*this);
  }
  Error at_tensor(std::string_view name) && {
    if (tensor.empty())
      tensor = name;
    return std::move(*this);
  }
};

template <class T>
using Result = tl::expected<T, Error>;

inline auto fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

inline auto fail(Code code, std::string message, std::uint64_t position = no_position) {
  return tl::unexpected<Error>(Error{code, std::move(message), position});
}

}  // namespace heirloom

#define HEIRLOOM_CONCAT_(a, b) a##b
#define HEIRLOOM_CONCAT(a, b) HEIRLOOM_CONCAT_(a, b)
#define HEIRLOOM_TRY_(name, decl, ...)            \
  auto name = (__VA_ARGS__);                      \
  if (!name)                                      \
    return ::heirloom::fail(std::move(name).error()); \
  decl = std::move(*name)
// HEIRLOOM_TRY(declaration, expression): declares the value of a Result, or returns its error.
#define HEIRLOOM_TRY(decl, ...) HEIRLOOM_TRY_(HEIRLOOM_CONCAT(heirloom_try_, __LINE__), decl, __VA_ARGS__)
#define HEIRLOOM_CHECK_(name, ...)                        \
  do {                                                    \
    auto name = (__VA_ARGS__);                            \
    if (!name)                                            \
      return ::heirloom::fail(std::move(name).error());   \
  } while (false)
// HEIRLOOM_CHECK(expression): returns the error of a Result<void>, if any.
#define HEIRLOOM_CHECK(...) HEIRLOOM_CHECK_(HEIRLOOM_CONCAT(heirloom_check_, __LINE__), __VA_ARGS__)
