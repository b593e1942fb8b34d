#include "engine/record/receipts.hpp"

#include "engine/base/digest.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/encoding/repack.hpp"
#include "engine/plan/view.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/statement.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace heirloom::record {
namespace {

using model::Json;
using plan::Action;
using provenance::Receipt;
using provenance::ReceiptTensor;

Json number(std::uint64_t value) { return Json(Json::Value(value)); }

Json operation(std::string_view name, Json::Object members = {}) {
  members.emplace_back("op", Json(std::string(name)));
  return Json(std::move(members));
}

// Sources by their place in the list.
Json box_json(const arch::Box& box, const arch::Arrangement& made) {
  Json::Array out;
  const auto place = std::find(made.sources.begin(), made.sources.end(), box.source);
  out.push_back(box.source == arch::zero_source ? Json(Json::Value(std::int64_t{-1}))
                                                : number(static_cast<std::uint64_t>(place - made.sources.begin())));
  out.push_back(number(box.source == arch::zero_source ? 0 : box.source_offset));
  out.push_back(number(box.output_offset));
  for (const arch::Stride& stride : box.strides)
    out.emplace_back(Json::Array{number(stride.count), number(stride.source), number(stride.output)});
  return Json(std::move(out));
}

Json arrange(const arch::Arrangement& made) {
  Json::Array boxes, words;
  for (const arch::Box& box : made.boxes)
    boxes.push_back(box_json(box, made));
  for (const std::string& word : made.words)
    words.emplace_back(word);
  return operation("arrange@1", {{"boxes", Json(std::move(boxes))}, {"words", Json(std::move(words))}});
}

Json value_operation(const arch::ValueOperation& value) {
  if (value.kind != arch::ValueKind::add)
    return operation(value.kind == arch::ValueKind::neg_exp ? "neg_exp@1" : "neg_log@1");
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value.operand).ptr;
  return operation("add@1", {{"operand", Json(std::string(text.data(), end))}});
}

Json encode(const plan::PlanTensor& tensor) {
  Json::Object members{{"encoding", Json(tensor.encoding)}};
  const encoding::Codec* codec = encoding::find_codec(tensor.encoding);
  if (!tensor.importance.empty() && codec != nullptr && codec->encode_weighted != nullptr) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(tensor.importance.data());
    members.emplace_back("importance", Json(base::to_hex(base::sha256({bytes, tensor.importance.size_bytes()}))));
  }
  return operation("encode@1", std::move(members));
}

// From what was gathered to what is written.
void add_encoding(const std::string& from, const plan::PlanTensor& tensor, std::vector<Json>& ops) {
  if (from == tensor.encoding)
    return;
  if (encoding::find_repack(from, tensor.encoding) != nullptr)
    ops.push_back(operation("repack@1", {{"encoding", Json(tensor.encoding)}}));
  else if (tensor.encoding != "f32")
    ops.push_back(encode(tensor));
}

// Whether what was gathered becomes f32 first. Numbers that f32 does not hold are rounded once, without it.
bool is_decoded(const std::string& from, const std::string& to) {
  const encoding::Codec* codec = encoding::find_codec(from);
  if (from == to || from == "f32" || encoding::find_repack(from, to) != nullptr)
    return false;
  return to == "f32" || (codec != nullptr && codec->decode_f64 == nullptr && codec->kind != encoding::Kind::integer);
}

// Whatever is done to its numbers.
bool is_whole(const Checkpoint& source, arch::Arrangement made) {
  made.values.clear();
  return made.sources.size() == 1 && made.is_whole(model::tensor_elements(source.tensors[made.sources.front()]));
}

ReceiptTensor input_of(const Checkpoint& source, std::uint32_t index, const run::Outcome& outcome) {
  const Tensor& tensor = source.tensors[index];
  const std::string file = tensor.extents.empty() ? "" : source.files[tensor.extents.front().file].name;
  const base::Digest& raw = outcome.sources[index];
  return {tensor.name, tensor.encoding, tensor.shape, file, raw, provenance::tensor_digest(tensor.encoding, tensor.shape, raw)};
}

Receipt receipt_of(const plan::Plan& plan, std::size_t i, const Checkpoint& source, const run::Outcome& outcome) {
  const plan::PlanTensor& tensor = plan.tensors[i];
  const Tensor& written = plan.target.tensors[i];  // as the writer sees it
  Receipt receipt;
  const base::Digest& raw = outcome.digests[i];
  receipt.out = {written.name, written.encoding, written.shape, "", raw, provenance::tensor_digest(written.encoding, written.shape, raw)};
  for (const std::uint32_t index : tensor.arrangement.sources)
    receipt.in.push_back(input_of(source, index, outcome));
  receipt.ops = operations_of(source, tensor);
  return receipt;
}

// Of the plan's tensors, as they lie in the files.
std::vector<std::size_t> file_order(const plan::Plan& plan) {
  std::vector<const Placement*> places(plan.tensors.size());
  for (const Placement& placement : plan.layout.placements)
    places[placement.tensor] = &placement;
  std::vector<std::size_t> order(plan.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(places[a]->file, places[a]->offset) < std::pair(places[b]->file, places[b]->offset);
  });
  return order;
}

}  // namespace

std::vector<Json> operations_of(const Checkpoint& source, const plan::PlanTensor& tensor) {
  if (tensor.action == Action::literal)
    return {operation("literal@1", {{"base64", Json(provenance::to_base64(tensor.literal))}})};
  const arch::Arrangement& made = tensor.arrangement;
  std::vector<Json> ops{is_whole(source, made) ? operation("copy@1") : arrange(made)};
  // The plan has been made: the sources go together.
  const std::string gathered = plan::source_encoding(source, made).value_or(tensor.encoding);
  const bool is_gathered_decoded = std::any_of(made.sources.begin(), made.sources.end(),
                                               [&](std::uint32_t index) { return source.tensors[index].encoding != gathered; });
  if (is_gathered_decoded || is_decoded(gathered, tensor.encoding))
    ops.push_back(operation("decode@1"));
  for (const arch::ValueOperation& value : made.values)
    ops.push_back(value_operation(value));
  add_encoding(gathered, tensor, ops);
  return ops;
}

std::vector<Receipt> receipts_of(const plan::Plan& plan, const Checkpoint& source, const run::Outcome& outcome) {
  std::vector<Receipt> receipts;
  for (const std::size_t i : file_order(plan))
    receipts.push_back(receipt_of(plan, i, source, outcome));
  for (const plan::Dropped& dropped : plan.dropped) {
    Receipt receipt;
    receipt.in.push_back({dropped.name, dropped.encoding, dropped.shape, dropped.file});
    receipt.reason = dropped.reason;
    receipts.push_back(std::move(receipt));
  }
  return receipts;
}

}  // namespace heirloom::record
