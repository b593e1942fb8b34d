#include "header_text.hpp"

#include "header.hpp"

#include <algorithm>
#include <tuple>

namespace heirloom::safetensors {
namespace {

void append_entry(std::string& out, const Outgoing& tensor, std::uint64_t begin) {
  append_json_string(out, tensor.description->name);
  out.append(":{\"dtype\":\"").append(tensor.dtype->name).append("\",\"shape\":[");
  for (std::size_t i = 0; i < tensor.description->shape.size(); ++i)
    out.append(i == 0 ? "" : ",").append(std::to_string(tensor.description->shape[i]));
  out.append("],\"data_offsets\":[").append(std::to_string(begin)).append(",");
  out.append(std::to_string(begin + tensor.size_bytes)).append("]}");
}

void append_metadata(std::string& out, const std::vector<Attr>& attrs) {
  out += "\"__metadata__\":{";
  for (const Attr& attr : attrs) {
    if (&attr != &attrs.front())
      out += ',';
    append_json_string(out, attr.key);
    out += ':';
    append_json_string(out, attr.get_text().value_or(""));
  }
  out += '}';
}

}  // namespace

void sort_for_file(std::vector<Outgoing>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const Outgoing& a, const Outgoing& b) {
    return std::tie(b.dtype, a.description->name) < std::tie(a.dtype, b.description->name);
  });
}

Result<std::vector<std::uint8_t>> header_bytes(const std::vector<Attr>& attrs, const std::vector<Outgoing>& tensors) {
  constexpr std::size_t alignment = 8;
  std::string json = "{";
  if (!attrs.empty())
    append_metadata(json, attrs);
  std::uint64_t begin = 0;
  for (const Outgoing& tensor : tensors) {
    if (json.size() > 1)
      json += ',';
    append_entry(json, tensor, begin);
    begin += tensor.size_bytes;
  }
  json += '}';
  json.resize((json.size() + alignment - 1) / alignment * alignment, ' ');
  if (json.size() > max_header_bytes)
    return fail(Code::limit, "header of " + std::to_string(json.size()) + " bytes exceeds the limit of " +
                                 std::to_string(max_header_bytes));
  std::vector<std::uint8_t> bytes;
  bytes.reserve(length_bytes + json.size());
  for (std::size_t i = 0; i < length_bytes; ++i)
    bytes.push_back(static_cast<std::uint8_t>(json.size() >> (8 * i)));
  bytes.insert(bytes.end(), json.begin(), json.end());
  return bytes;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view escaped = "\b\t\n\f\r\"\\";
  constexpr std::string_view letters = "btnfr\"\\";
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::size_t i = escaped.find(c); i != std::string_view::npos)
      out.append(1, '\\').append(1, letters[i]);
    else if (byte < 0x20)
      out.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    else
      out += c;
  }
  out += '"';
}

}  // namespace heirloom::safetensors
