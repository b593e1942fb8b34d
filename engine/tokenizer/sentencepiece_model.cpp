#include "engine/tokenizer/sentencepiece_model.hpp"

#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <bit>
#include <optional>
#include <string_view>

namespace heirloom::tokenizer {

namespace {

// A protobuf field is a varint of (number << 3 | wire), then its value by wire type:
//   0 varint | 1 eight bytes | 2 varint length + bytes | 5 four bytes, little endian
enum class Wire : std::uint32_t { varint = 0, eight_bytes = 1, bytes = 2, four_bytes = 5 };

struct Field {
  std::uint64_t number = 0;
  Wire wire = Wire::varint;
  std::uint64_t value = 0;                  // of a number
  std::span<const std::uint8_t> bytes = {};  // of wire type 2
};

class Message {
 public:
  // `start` is the message's place in the file, for errors.
  Message(std::span<const std::uint8_t> bytes, std::uint64_t start) : bytes_(bytes), start_(start) {}

  // nullopt at the end.
  Result<std::optional<Field>> next() {
    if (at_ == bytes_.size())
      return std::optional<Field>();
    HEIRLOOM_TRY(const std::uint64_t tag, varint());
    Field field{tag >> 3, static_cast<Wire>(tag & 7)};
    if (field.number == 0)
      return error("field number 0");
    switch (field.wire) {
      case Wire::varint: {
        HEIRLOOM_TRY(field.value, varint());
        break;
      }
      case Wire::eight_bytes: {
        HEIRLOOM_TRY(field.value, fixed(8));
        break;
      }
      case Wire::four_bytes: {
        HEIRLOOM_TRY(field.value, fixed(4));
        break;
      }
      case Wire::bytes: {
        HEIRLOOM_TRY(const std::uint64_t size, varint());
        if (size > bytes_.size() - at_)
          return error("a field of " + std::to_string(size) + " bytes extends past the end");
        field.bytes = bytes_.subspan(at_, size);
        at_ += size;
        break;
      }
      default: return error("wire type " + std::to_string(tag & 7) + " is not known");
    }
    return std::optional<Field>(field);
  }

  std::uint64_t position() const { return start_ + at_; }
  tl::unexpected<Error> error(const std::string& what) const { return fail(Code::malformed, what, position()); }

 private:
  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size())
        return error("the file ends inside a number");
      const std::uint8_t byte = bytes_[at_++];
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80)
        return value;
    }
    return error("a number of more than ten bytes");
  }
  Result<std::uint64_t> fixed(std::size_t width) {
    if (width > bytes_.size() - at_)
      return error("the file ends inside a number");
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;)
      value = (value << 8) | bytes_[at_ + i];
    at_ += width;
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  std::uint64_t start_;
  std::size_t at_ = 0;
};

// Calls take(field, position of its bytes) for each field.
template <class Take>
Result<void> for_each_field(std::span<const std::uint8_t> bytes, std::uint64_t start, Take take) {
  Message message(bytes, start);
  for (;;) {
    HEIRLOOM_TRY(const std::optional<Field> field, message.next());
    if (!field)
      return {};
    HEIRLOOM_CHECK(take(*field, message.position() - field->bytes.size()));
  }
}

std::string text_of(const Field& field) { return {field.bytes.begin(), field.bytes.end()}; }

std::int32_t small_number(const Field& field) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(field.value));
}

Result<Piece> read_piece(std::span<const std::uint8_t> bytes, std::uint64_t start, std::size_t id) {
  Piece piece;
  HEIRLOOM_CHECK(for_each_field(bytes, start, [&](const Field& field, std::uint64_t) -> Result<void> {
    if (field.number == 1 && field.wire == Wire::bytes)
      piece.text = text_of(field);
    else if (field.number == 2 && field.wire == Wire::four_bytes)
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    else if (field.number == 3 && field.wire == Wire::varint)
      piece.type = small_number(field);
    return {};
  }));
  if (piece.text.empty())
    return fail(Code::malformed, "piece " + std::to_string(id) + " has no text", start);
  if (!is_utf8(piece.text))
    return fail(Code::malformed, "piece " + std::to_string(id) + " is not UTF-8", start);
  if (piece.type < 1 || piece.type > 6)
    return fail(Code::malformed, "piece " + std::to_string(id) + " has type " + std::to_string(piece.type) +
                                     "; types are 1 to 6", start);
  return piece;
}

Result<void> read_trainer(const Field& spec, std::uint64_t start, SentencePieceModel& model) {
  return for_each_field(spec.bytes, start, [&](const Field& field, std::uint64_t) -> Result<void> {
    if (field.wire != Wire::varint)
      return {};
    switch (field.number) {
      case 3: model.kind = small_number(field); break;
      case 35: model.byte_fallback = field.value != 0; break;
      case 40: model.unk_id = small_number(field); break;
      case 41: model.bos_id = small_number(field); break;
      case 42: model.eos_id = small_number(field); break;
      case 43: model.pad_id = small_number(field); break;
      default: break;
    }
    return {};
  });
}

Result<void> read_normalizer(const Field& spec, std::uint64_t start, SentencePieceModel& model) {
  return for_each_field(spec.bytes, start, [&](const Field& field, std::uint64_t) -> Result<void> {
    if (field.number == 1 && field.wire == Wire::bytes)
      model.normalizer = text_of(field);
    else if (field.number == 2 && field.wire == Wire::bytes)
      model.character_map.assign(field.bytes.begin(), field.bytes.end());
    else if (field.number == 3 && field.wire == Wire::varint)
      model.adds_dummy_prefix = field.value != 0;
    else if (field.number == 4 && field.wire == Wire::varint)
      model.removes_extra_whitespaces = field.value != 0;
    return {};
  });
}

using Bytes = std::vector<std::uint8_t>;

void put_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_tag(Bytes& out, std::uint64_t number, Wire wire) {
  put_varint(out, (number << 3) | static_cast<std::uint64_t>(wire));
}

// Negative numbers take ten bytes, as protobuf's int32 does.
void put_number(Bytes& out, std::uint64_t number, std::int64_t value) {
  put_tag(out, number, Wire::varint);
  put_varint(out, static_cast<std::uint64_t>(value));
}

template <class Range>
void put_bytes(Bytes& out, std::uint64_t number, const Range& range) {
  put_tag(out, number, Wire::bytes);
  put_varint(out, range.size());
  out.insert(out.end(), range.begin(), range.end());
}

Bytes piece_message(const Piece& piece) {
  Bytes out;
  put_bytes(out, 1, piece.text);
  put_tag(out, 2, Wire::four_bytes);
  const auto bits = std::bit_cast<std::uint32_t>(piece.score);
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<std::uint8_t>(bits >> shift));
  if (piece.type != static_cast<std::int32_t>(TokenType::normal))
    put_number(out, 3, piece.type);
  return out;
}

}  // namespace

Result<SentencePieceModel> read_sentencepiece_model(std::span<const std::uint8_t> bytes) {
  SentencePieceModel model;
  HEIRLOOM_CHECK(for_each_field(bytes, 0, [&](const Field& field, std::uint64_t start) -> Result<void> {
    if (field.wire != Wire::bytes)
      return {};
    if (field.number == 2)
      return read_trainer(field, start, model);
    if (field.number == 3)
      return read_normalizer(field, start, model);
    if (field.number != 1)
      return {};
    if (model.pieces.size() == max_vocab_size)
      return fail(Code::limit, "more than " + std::to_string(max_vocab_size) + " pieces", start);
    HEIRLOOM_TRY(Piece piece, read_piece(field.bytes, start, model.pieces.size()));
    model.pieces.push_back(std::move(piece));
    return {};
  }));
  if (model.pieces.empty())
    return fail(Code::malformed, "no pieces");
  return model;
}

std::vector<std::uint8_t> write_sentencepiece_model(const SentencePieceModel& model) {
  Bytes out;
  for (const Piece& piece : model.pieces)
    put_bytes(out, 1, piece_message(piece));
  const auto text_at = [&](std::int32_t id, std::string_view fallback) {
    const bool exists = id >= 0 && static_cast<std::size_t>(id) < model.pieces.size();
    return exists ? std::string_view(model.pieces[static_cast<std::size_t>(id)].text) : fallback;
  };
  Bytes trainer;
  put_number(trainer, 3, model.kind);
  put_number(trainer, 4, static_cast<std::int64_t>(model.pieces.size()));
  put_number(trainer, 35, model.byte_fallback ? 1 : 0);
  put_number(trainer, 40, model.unk_id);
  put_number(trainer, 41, model.bos_id);
  put_number(trainer, 42, model.eos_id);
  put_number(trainer, 43, model.pad_id);
  put_bytes(trainer, 45, text_at(model.unk_id, "<unk>"));
  put_bytes(trainer, 46, text_at(model.bos_id, "<s>"));
  put_bytes(trainer, 47, text_at(model.eos_id, "</s>"));
  put_bytes(trainer, 48, text_at(model.pad_id, "<pad>"));
  put_bytes(out, 2, trainer);
  Bytes normalizer;
  put_bytes(normalizer, 1, model.normalizer);
  put_bytes(normalizer, 2, model.character_map);
  put_number(normalizer, 3, model.adds_dummy_prefix ? 1 : 0);
  put_number(normalizer, 4, model.removes_extra_whitespaces ? 1 : 0);
  put_number(normalizer, 5, 1);
  put_bytes(out, 3, normalizer);
  return out;
}

}  // namespace heirloom::tokenizer
