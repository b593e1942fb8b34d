#include "engine/record/receipt_plan.hpp"

#include "engine/base/text.hpp"
#include "engine/plan/view.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/statement.hpp"
#include "heirloom/checked.hpp"
#include "heirloom/encodings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace heirloom::record {
namespace {

using model::Json;
using provenance::Receipt;
using provenance::ReceiptTensor;

constexpr std::size_t max_strides = 64;

// Operations in the only order that they may have; decode@1 may come anywhere before an encoding.
enum class Step { decode, rearrange, change, encode, literal };
struct Operation {
  std::string_view name;
  Step step;
};
constexpr Operation operations[] = {
    {"decode@1", Step::decode},  {"copy@1", Step::rearrange},  {"arrange@1", Step::rearrange},
    {"add@1", Step::change},     {"neg_exp@1", Step::change},  {"neg_log@1", Step::change},
    {"encode@1", Step::encode},  {"repack@1", Step::encode},   {"literal@1", Step::literal},
};

// Parts of blocks that stand in tensors of their own, as bytes (engine/encoding/repack.hpp).
constexpr WellKnownEncoding apart_encodings[] = {{"mxfp4_blocks", 32, 16}, {"mxfp4_scales", 32, 1}};

const WellKnownEncoding* find_apart_encoding(std::string_view id) {
  for (const WellKnownEncoding& encoding : apart_encodings)
    if (encoding.id == id)
      return &encoding;
  return nullptr;
}

Error malformed(std::string message) { return {Code::malformed, std::move(message)}; }

std::span<const std::uint64_t> without_leading_ones(std::span<const std::uint64_t> shape) {
  while (!shape.empty() && shape.front() == 1)
    shape = shape.subspan(1);
  return shape;
}

bool same_shape(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  return std::ranges::equal(without_leading_ones(a), without_leading_ones(b));
}

Result<const std::string*> text_of(const Json& op, std::string_view key) {
  const Json* value = op.find(key);
  if (value == nullptr || value->text() == nullptr)
    return fail(malformed("operation " + base::quoted(*op.find("op")->text()) + " has no text " + base::quoted(key)));
  return value->text();
}

Result<std::uint64_t> count_of(const Json& json) {
  const auto number = json.integer();
  if (!number || *number < 0)
    return fail(malformed("a box has a number that is no count"));
  return static_cast<std::uint64_t>(*number);
}

// [source, source offset, output offset, [count, source stride, output stride]...]
Result<arch::Box> parse_box(const Json& json, std::span<const std::uint32_t> sources) {
  const Json::Array* parts = json.array();
  if (parts == nullptr || parts->size() < 3 || parts->size() > 3 + max_strides)
    return fail(malformed("a box is no list of a source, two offsets and up to " + std::to_string(max_strides) + " strides"));
  const auto source = (*parts)[0].integer();
  if (!source || *source < -1 || (*source >= 0 && static_cast<std::uint64_t>(*source) >= sources.size()))
    return fail(malformed("a box names a source that the receipt does not have"));
  arch::Box box;
  box.source = *source == -1 ? arch::zero_source : sources[static_cast<std::size_t>(*source)];
  HEIRLOOM_TRY(box.source_offset, count_of((*parts)[1]));
  HEIRLOOM_TRY(box.output_offset, count_of((*parts)[2]));
  for (const Json& part : std::span(*parts).subspan(3)) {
    if (part.array() == nullptr || part.array()->size() != 3)
      return fail(malformed("a stride is no list of three numbers"));
    arch::Stride stride;
    HEIRLOOM_TRY(stride.count, count_of((*part.array())[0]));
    HEIRLOOM_TRY(stride.source, count_of((*part.array())[1]));
    HEIRLOOM_TRY(stride.output, count_of((*part.array())[2]));
    if (stride.count == 0 || stride.output == 0 || (stride.source == 0 && box.source != arch::zero_source))
      return fail(malformed("a stride of a box is 0"));
    box.strides.push_back(stride);
  }
  return box;
}

// The last element that the strides reach, from the first.
Result<std::uint64_t> reach(std::span<const arch::Stride> strides, std::uint64_t offset, std::uint64_t arch::Stride::* step) {
  for (const arch::Stride& stride : strides) {
    HEIRLOOM_TRY(const std::uint64_t length, checked::mul(stride.count - 1, stride.*step));
    HEIRLOOM_TRY(offset, checked::add(offset, length));
  }
  return offset;
}

// Returns the elements of a box that lies inside both sides and fills no output element twice.
Result<std::uint64_t> check_box(const arch::Box& box, const Checkpoint& source, std::uint64_t output_elements) {
  std::uint64_t elements = 1, below = 1;
  for (auto stride = box.strides.rbegin(); stride != box.strides.rend(); ++stride) {
    HEIRLOOM_TRY(elements, checked::mul(elements, stride->count));
    if (stride->count > 1 && stride->output < below)
      return fail(malformed("the strides of a box are not nested"));
    HEIRLOOM_TRY(const std::uint64_t length, checked::mul(stride->count - 1, stride->output));
    HEIRLOOM_TRY(below, checked::add(below, length));
  }
  HEIRLOOM_TRY(const std::uint64_t last_output, reach(box.strides, box.output_offset, &arch::Stride::output));
  if (last_output >= output_elements)
    return fail(malformed("a box reaches beyond the output"));
  if (box.source == arch::zero_source)
    return elements;
  HEIRLOOM_TRY(const std::uint64_t last_source, reach(box.strides, box.source_offset, &arch::Stride::source));
  if (last_source >= model::tensor_elements(source.tensors[box.source]))
    return fail(malformed("a box reaches beyond its source " + base::quoted(source.tensors[box.source].name)));
  return elements;
}

Result<void> parse_boxes(const Json& op, const Checkpoint& source, arch::Arrangement& made) {
  const Json* boxes = op.find("boxes");
  if (boxes == nullptr || boxes->array() == nullptr)
    return fail(malformed("operation \"arrange@1\" has no boxes"));
  if (boxes->array()->size() > arch::max_boxes)
    return fail(Code::limit, "more than " + std::to_string(arch::max_boxes) + " boxes");
  const std::uint64_t elements = made.elements();
  std::uint64_t filled = 0;
  made.boxes.clear();
  for (const Json& json : *boxes->array()) {
    HEIRLOOM_TRY(arch::Box box, parse_box(json, made.sources));
    HEIRLOOM_TRY(const std::uint64_t count, check_box(box, source, elements));
    HEIRLOOM_TRY(filled, checked::add(filled, count));
    made.boxes.push_back(std::move(box));
  }
  std::stable_sort(made.boxes.begin(), made.boxes.end(),
                   [](const arch::Box& a, const arch::Box& b) { return a.output_offset < b.output_offset; });
  if (filled != elements)
    return fail(malformed("the boxes hold " + std::to_string(filled) + " elements, the output " + std::to_string(elements)));
  return {};
}

Result<std::vector<std::uint32_t>> find_sources(const Receipt& receipt, const ReceiptContext& context) {
  std::vector<std::uint32_t> sources;
  for (const ReceiptTensor& in : receipt.in) {
    const auto found = context.source_names->find(in.name);
    if (found == context.source_names->end())
      return fail(Error{Code::misuse, "the source has no tensor " + base::quoted(in.name)});
    const Tensor& tensor = context.source->tensors[found->second];
    if (tensor.encoding != in.encoding || !same_shape(tensor.shape, in.shape))
      return fail(Error{Code::misuse, "the source's tensor " + base::quoted(in.name) + " has another encoding or shape than the receipt says"});
    sources.push_back(found->second);
  }
  return sources;
}

Result<void> use_importance(const Json& op, const ReceiptContext& context, plan::PlanTensor& tensor) {
  if (op.find("importance") == nullptr)
    return {};
  HEIRLOOM_TRY(const std::string* digest, text_of(op, "importance"));
  if (context.importance == nullptr)
    return fail(Code::misuse, "it was made with an importance matrix; give it with --imatrix");
  const auto found = context.importance->entries.find(tensor.name);
  if (found == context.importance->entries.end() || tensor.shape.empty())
    return fail(Code::misuse, "the importance matrix has no entry for it");
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(found->second.data());
  if (base::to_hex(base::sha256({bytes, found->second.size() * sizeof(float)})) != *digest)
    return fail(Code::misuse, "the importance matrix is not the one that it was made with");
  const std::uint64_t columns = tensor.shape.back();
  const std::uint64_t matrices = tensor.shape.size() < 3 ? 1 : tensor.shape[tensor.shape.size() - 3];
  if (columns == 0 || found->second.size() % columns != 0 || found->second.size() / columns != matrices)
    return fail(Code::misuse, "the importance matrix has not as many numbers as the tensor has columns");
  tensor.importance = found->second;
  return {};
}

Result<void> add_value_operation(const Json& op, std::string_view name, arch::Arrangement& made) {
  using arch::ValueKind;
  arch::ValueOperation operation{name == "add@1" ? ValueKind::add : name == "neg_exp@1" ? ValueKind::neg_exp : ValueKind::neg_log};
  if (operation.kind == ValueKind::add) {
    HEIRLOOM_TRY(const std::string* text, text_of(op, "operand"));
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), operation.operand);
    if (error != std::errc() || end != text->data() + text->size() || !std::isfinite(operation.operand))
      return fail(malformed("operand " + base::quoted(*text) + " is no number"));
  }
  made.values.push_back(operation);
  return {};
}

// One operation after those before it.
Result<void> apply(const Json& op, const ReceiptContext& context, plan::PlanTensor& tensor, bool& is_encoded) {
  const std::string& name = *op.find("op")->text();
  arch::Arrangement& made = tensor.arrangement;
  if (name == "copy@1") {
    if (made.boxes.empty() && made.elements() != 0)
      return fail(malformed("\"copy@1\" wants one source with as many elements"));
  } else if (name == "arrange@1") {
    HEIRLOOM_CHECK(parse_boxes(op, *context.source, made));
  } else if (name == "encode@1" || name == "repack@1") {
    is_encoded = true;
    if (name == "encode@1")
      return use_importance(op, context, tensor);
  } else if (name == "literal@1") {
    HEIRLOOM_TRY(const std::string* text, text_of(op, "base64"));
    HEIRLOOM_TRY(tensor.literal, provenance::from_base64(*text));
    tensor.action = plan::Action::literal;
  } else if (name != "decode@1") {
    return add_value_operation(op, name, made);
  } else if (tensor.encoding == "f32") {
    is_encoded = true;
  }
  return {};
}

// The bytes must be what the operations give: without an encoding at the end, those of the sources.
Result<void> check_end(const ReceiptContext& context, const plan::PlanTensor& tensor, bool is_encoded) {
  if (tensor.action == plan::Action::literal) {
    HEIRLOOM_TRY(const std::uint64_t bytes, checked::tensor_bytes(tensor.shape, context.encoding->block_elements, context.encoding->block_bytes));
    if (tensor.literal.size() != bytes || !tensor.arrangement.sources.empty())
      return fail(malformed("the literal has not the size of the output, or a source beside it"));
    return {};
  }
  const bool is_empty = tensor.arrangement.elements() == 0;
  if (!is_empty && (tensor.arrangement.sources.empty() || tensor.arrangement.boxes.empty()))
    return fail(malformed("the operations do not say which elements of which source it is made of"));
  HEIRLOOM_TRY(const std::string gathered, plan::source_encoding(*context.source, tensor.arrangement));
  if (gathered != tensor.encoding && !is_encoded)
    return fail(malformed("the operations give " + base::quoted(gathered) + ", but the output is " + base::quoted(tensor.encoding)));
  return {};
}

// Marks the elements of a box; false when one of them was marked.
bool fill(const arch::Box& box, std::uint64_t first, std::vector<bool>& filled) {
  const arch::Stride inner = box.strides.empty() ? arch::Stride{} : box.strides.back();
  const std::uint64_t rows = box.elements() / inner.count;
  for (std::uint64_t row = 0; row < rows; ++row) {
    std::uint64_t at = box.output_offset - first, rest = row;
    for (std::size_t i = box.strides.size(); i-- > 1;) {
      at += rest % box.strides[i - 1].count * box.strides[i - 1].output;
      rest /= box.strides[i - 1].count;
    }
    for (std::uint64_t k = 0; k < inner.count; ++k, at += inner.output) {
      if (filled[at])
        return false;
      filled[at] = true;
    }
  }
  return true;
}

// What the receipt encodes to. Containers store some encodings as plain bytes of the same size.
Result<Encoding> encoding_made(const Receipt& receipt, const ReceiptContext& context) {
  for (const Json& op : receipt.ops) {
    const std::string& name = *op.find("op")->text();
    if (name != "encode@1" && name != "repack@1")
      continue;
    HEIRLOOM_TRY(const std::string* id, text_of(op, "encoding"));
    if (*id == context.encoding->id)
      break;
    const WellKnownEncoding* row = find_apart_encoding(*id);
    if (row == nullptr || context.encoding->id != "u8")
      return fail(malformed("encodes as " + base::quoted(*id) + ", but the output is " + base::quoted(context.encoding->id)));
    return Encoding{*id, row->block_elements, row->block_bytes};
  }
  return *context.encoding;
}

// Of the output's elements, and of the one source where it has as many.
Result<arch::Arrangement> first_arrangement(const ReceiptContext& context, const Encoding& encoding, std::vector<std::uint32_t> sources) {
  arch::Arrangement made;
  made.shape.assign(context.shape.begin(), context.shape.end());
  if (encoding.id != context.encoding->id) {
    HEIRLOOM_TRY(const std::uint64_t bytes, checked::product(context.shape));
    if (bytes % encoding.block_bytes != 0)
      return fail(malformed("the output is not whole blocks of " + base::quoted(encoding.id)));
    HEIRLOOM_TRY(const std::uint64_t elements, checked::mul(bytes / encoding.block_bytes, encoding.block_elements));
    made.shape = {elements};
  }
  if (sources.size() == 1 && model::tensor_elements(context.source->tensors[sources[0]]) == made.elements())
    return arch::whole(sources[0], made.shape);
  made.sources = std::move(sources);
  return made;
}

}  // namespace

TensorNames names_of(const Checkpoint& checkpoint) {
  TensorNames names;
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i)
    names.emplace(checkpoint.tensors[i].name, i);
  return names;
}

Result<plan::PlanTensor> plan_of(const Receipt& receipt, const ReceiptContext& context, Encoding& encoding) {
  const ReceiptTensor& out = *receipt.out;
  if (out.encoding != context.encoding->id || !same_shape(out.shape, context.shape))
    return fail(malformed("the tensor has another encoding or shape than the receipt says"));
  plan::PlanTensor tensor{out.name, out.encoding, {context.shape.begin(), context.shape.end()}, plan::Action::convert};
  HEIRLOOM_TRY(encoding, encoding_made(receipt, context));
  tensor.encoding = encoding.id;
  HEIRLOOM_TRY(std::vector<std::uint32_t> sources, find_sources(receipt, context));
  HEIRLOOM_TRY(tensor.arrangement, first_arrangement(context, encoding, std::move(sources)));
  Step step = Step::decode;
  bool is_encoded = false, is_decoded = false;
  for (const Json& op : receipt.ops) {
    const std::string& name = *op.find("op")->text();
    const auto known = std::find_if(std::begin(operations), std::end(operations), [&](const Operation& row) { return row.name == name; });
    if (known == std::end(operations))
      return fail(Code::unsupported, "operation " + base::quoted(name) + " is not known here");
    const bool is_late = known->step == Step::decode ? is_decoded || step >= Step::encode
                                                     : known->step < step || (known->step == step && step != Step::change);
    if (is_late)
      return fail(malformed("operation " + base::quoted(name) + " comes too late"));
    is_decoded = is_decoded || known->step == Step::decode;
    step = std::max(step, known->step);
    HEIRLOOM_CHECK(apply(op, context, tensor, is_encoded));
  }
  HEIRLOOM_CHECK(check_end(context, tensor, is_encoded));
  return tensor;
}

bool is_covered(std::span<const arch::Box> boxes, std::uint64_t first, std::uint64_t count) {
  std::vector<bool> filled(count);
  std::uint64_t total = 0;
  for (const arch::Box& box : boxes) {
    if (box.output_offset >= first + count)
      break;
    for (const arch::Box& part : arch::clip(box, first, count)) {
      if ((total += part.elements()) > count || !fill(part, first, filled))
        return false;
    }
  }
  return total == count;
}

}  // namespace heirloom::record
