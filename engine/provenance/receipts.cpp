#include "engine/provenance/receipts.hpp"

#include "engine/base/text.hpp"
#include "engine/model/json_count.hpp"
#include "engine/provenance/canonical_json.hpp"
#include "engine/provenance/members.hpp"

#include <set>

namespace heirloom::provenance {
namespace {

using model::Json;

// Of a line as heirloom writes it a few hundred bytes; a literal, or many boxes, make it longer. Counted before trees are made
// of the lines, which take many times their bytes.
constexpr std::uint64_t max_line_bytes = 32u << 20;
constexpr std::uint64_t max_values = 1u << 24;  // of all lines

Json to_json(const ReceiptTensor& tensor) {
  Json::Array shape;
  for (const std::uint64_t dimension : tensor.shape)
    shape.emplace_back(Json::Value(dimension));
  Json::Object object{{"name", Json(tensor.name)}, {"encoding", Json(tensor.encoding)}, {"shape", Json(std::move(shape))}};
  if (!tensor.file.empty())
    object.emplace_back("file", Json(tensor.file));
  if (tensor.raw)
    object.emplace_back("raw", Json(base::to_hex(*tensor.raw)));
  if (tensor.digest)
    object.emplace_back("digest", Json(base::to_hex(*tensor.digest)));
  return Json(std::move(object));
}

Json to_json(const Receipt& receipt) {
  Json::Array in;
  for (const ReceiptTensor& tensor : receipt.in)
    in.push_back(to_json(tensor));
  Json::Object line{{"in", Json(std::move(in))}};
  if (receipt.out) {
    line.emplace_back("ops", Json(receipt.ops));
    line.emplace_back("out", to_json(*receipt.out));
  } else {
    line.emplace_back("out", Json());
    line.emplace_back("reason", Json(receipt.reason));
  }
  return Json(std::move(line));
}

Result<ReceiptTensor> parse_tensor(const Json& json) {
  HEIRLOOM_CHECK(check_members(json, {"digest", "encoding", "file", "name", "raw", "shape"}));
  ReceiptTensor tensor;
  HEIRLOOM_TRY(tensor.name, text_member(json, "name"));
  HEIRLOOM_TRY(tensor.encoding, text_member(json, "encoding"));
  HEIRLOOM_TRY(tensor.file, optional_text(json, "file"));
  HEIRLOOM_TRY(const Json::Array* shape, array_member(json, "shape"));
  for (const Json& dimension : *shape) {
    const auto number = dimension.integer();
    if (!number || *number < 0)
      return fail(Code::malformed, "a dimension of " + base::quoted(tensor.name) + " is no count");
    tensor.shape.push_back(static_cast<std::uint64_t>(*number));
  }
  if (json.find("raw") != nullptr) {
    HEIRLOOM_TRY(tensor.raw, digest_member(json, "raw"));
  }
  if (json.find("digest") != nullptr) {
    HEIRLOOM_TRY(tensor.digest, digest_member(json, "digest"));
  }
  return tensor;
}

// Of all lines. `text` has whole lines.
Result<void> check_sizes(std::string_view text) {
  std::uint64_t values = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > max_line_bytes)
      return fail(Code::limit, "line " + std::to_string(number) + " is longer than " + base::human_bytes(max_line_bytes));
    values += model::count_json_values(text.substr(0, end));
    if (values > max_values)
      return fail(Code::limit, "line " + std::to_string(number) + ": the receipts have more than " + std::to_string(max_values) + " values");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Result<Receipt> parse_receipt(std::string_view line) {
  HEIRLOOM_TRY(const Json json, model::parse_json(line));
  HEIRLOOM_CHECK(check_members(json, {"in", "ops", "out", "reason"}));
  Receipt receipt;
  HEIRLOOM_TRY(const Json::Array* in, array_member(json, "in"));
  for (const Json& tensor : *in) {
    HEIRLOOM_TRY(ReceiptTensor parsed, parse_tensor(tensor));
    receipt.in.push_back(std::move(parsed));
  }
  HEIRLOOM_TRY(const Json* out, member(json, "out"));
  if (out->is_null()) {
    HEIRLOOM_TRY(receipt.reason, text_member(json, "reason"));
    return receipt;
  }
  HEIRLOOM_TRY(receipt.out, parse_tensor(*out));
  if (!receipt.out->raw || !receipt.out->digest)
    return fail(Code::malformed, "output " + base::quoted(receipt.out->name) + " has no digest");
  HEIRLOOM_TRY(const Json::Array* ops, array_member(json, "ops"));
  for (const Json& op : *ops) {
    HEIRLOOM_TRY(const std::string name, text_member(op, "op"));
    receipt.ops.push_back(op);
  }
  return receipt;
}

}  // namespace

Result<std::string> encode(const std::vector<Receipt>& receipts) {
  std::string text;
  for (const Receipt& receipt : receipts) {
    HEIRLOOM_TRY(const std::string line, canonical(to_json(receipt)));
    text += line + "\n";
  }
  return text;
}

Result<std::vector<Receipt>> parse_receipts(std::string_view text) {
  if (text.size() > max_receipts_bytes)
    return fail(Code::limit, "the receipts are longer than " + base::human_bytes(max_receipts_bytes));
  HEIRLOOM_CHECK(check_sizes(text));
  std::vector<Receipt> receipts;
  std::set<std::string> names;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    auto receipt = parse_receipt(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!receipt) {
      Error error = std::move(receipt).error();
      error.message = "line " + std::to_string(number) + ": " + error.message;
      return fail(std::move(error));
    }
    if (receipt->out && !names.insert(receipt->out->name).second)
      return fail(Error{Code::malformed, "line " + std::to_string(number) + ": a second receipt for this tensor", no_position, "",
                        receipt->out->name});
    receipts.push_back(std::move(*receipt));
  }
  return receipts;
}

}  // namespace heirloom::provenance
