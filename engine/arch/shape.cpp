#include "engine/arch/shape.hpp"

#include "engine/arch/derive.hpp"
#include "engine/base/text.hpp"
#include "heirloom/checked.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace heirloom::arch {
namespace {

using model::Json;

std::optional<std::uint64_t> digits_of(const std::string& text) {
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

// "num_attention_heads*head_dim/2": from the left; a quotient is exact.
Result<std::uint64_t> product_value(const Json& config, std::string_view product) {
  std::uint64_t size = 1;
  for (const std::string& factor : split(product, '*')) {
    const std::vector<std::string> quotient = split(factor, '/');
    for (std::size_t k = 0; k < quotient.size(); ++k) {
      HEIRLOOM_TRY(const std::uint64_t value, first_whole_number(config, split(quotient[k], '|')));
      if (k != 0 && (value == 0 || size % value != 0))
        return fail(Error{Code::malformed, "the configuration makes " + base::quoted(product) + " no whole number", no_position,
                          "config.json"});
      if (k == 0) {
        HEIRLOOM_TRY(size, checked::mul(size, value));
      } else {
        size /= value;
      }
    }
  }
  return size;
}

// "a[i]" as "a[3]".
std::string of_layer(std::string dimension, std::uint64_t layer) {
  constexpr std::string_view mark = "[i]";
  for (std::size_t at = dimension.find(mark); at != std::string::npos; at = dimension.find(mark))
    dimension.replace(at, mark.size(), "[" + std::to_string(layer) + "]");
  return dimension;
}

// A layer's value of a list, or the one value of all. `index` is "[3]".
Result<std::uint64_t> indexed_number(const Json& config, const std::string& key, const std::string& index) {
  const Json* list = config.at(key);
  if (list == nullptr || list->array() == nullptr)
    return whole_number(config, key);
  const auto layer = digits_of(index.substr(1, index.size() - 2));
  if (!layer || *layer >= list->array()->size())
    return fail(Error{Code::malformed, "configuration key " + base::quoted(key) + " has no value for layer " + index, no_position,
                      "config.json"});
  Json one{Json::Object{}};
  set_at(one, key, (*list->array())[*layer]);
  return whole_number(one, key);
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.emplace_back(text);
  return parts;
}

Result<std::uint64_t> first_whole_number(const Json& config, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (const auto number = digits_of(key))
      return *number;
    if (const std::size_t bracket = key.find('['); bracket != std::string::npos)
      return indexed_number(config, key.substr(0, bracket), key.substr(bracket));
    const Json* value = config.at(key);
    if ((value == nullptr || value->is_null()) && &key != &keys.back())
      continue;
    if (auto derived = derived_number(config, key))
      return *std::move(derived);
    return whole_number(config, key);
  }
  return fail(Code::internal, "a map's rule without configuration keys");
}

Result<std::uint64_t> number_of(const Json& config, std::string_view dimension) {
  std::uint64_t size = 0;
  for (const std::string& product : split(dimension, '+')) {
    HEIRLOOM_TRY(const std::uint64_t value, product_value(config, product));
    HEIRLOOM_TRY(size, checked::add(size, value));
  }
  return size;
}

Result<std::vector<std::uint64_t>> shape_of(const std::vector<std::string>& dimensions, const Json& config, std::uint64_t layer) {
  std::vector<std::uint64_t> shape;
  for (const std::string& dimension : dimensions) {
    HEIRLOOM_TRY(const std::uint64_t size, number_of(config, of_layer(dimension, layer)));
    if (size == 0)
      return fail(Error{Code::malformed, "the configuration makes the dimension " + base::quoted(dimension) + " 0", no_position,
                        "config.json"});
    shape.push_back(size);
  }
  HEIRLOOM_CHECK(checked::product(shape));
  return shape;
}

Result<std::vector<std::uint64_t>> shape_of(const fb::TensorRuleT& rule, const Json& config) {
  return shape_of(dimensions_of(rule, 0), config);
}

const std::vector<std::string>& dimensions_of(const fb::TensorRuleT& rule, std::size_t part) {
  return part < rule.shapes.size() ? rule.shapes[part]->dims : rule.shape;
}

Result<void> check_not_empty(const Tensor& tensor) {
  if (std::find(tensor.shape.begin(), tensor.shape.end(), 0u) != tensor.shape.end())
    return fail(Error{Code::malformed, "has the shape " + shape_text(tensor.shape) + " and so holds no weights", no_position,
                      "", tensor.name});
  return {};
}

Result<void> check_shape(const Tensor& tensor, const std::vector<std::uint64_t>& wanted, const std::string& why) {
  if (tensor.shape != wanted)
    return fail(Error{Code::malformed, "has the shape " + shape_text(tensor.shape) + ", where the configuration says " +
                                           shape_text(wanted) + (why.empty() ? "" : ", which is ") + why +
                                           ": config.json or the file is wrong",
                      no_position, "", tensor.name});
  return {};
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t dimension : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(dimension);
  return "[" + text + "]";
}

std::string shape_text(const std::vector<std::string>& dimensions) {
  std::string text;
  for (const std::string& dimension : dimensions)
    text += (text.empty() ? "" : ", ") + dimension;
  return "[" + text + "]";
}

}  // namespace heirloom::arch
