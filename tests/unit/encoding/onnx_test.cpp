// Against ONNX's own cast tests (node tests of the onnx package), where ../shared beside the repository has them.
// Each case is a folder with an input and an output tensor. Cases named test_cast_FLOAT*_to_FLOAT8* saturate: what is
// too large becomes the largest number. Heirloom never saturates: the test_cast_no_saturate_* ones stand for those.
#include "tests/unit/encoding/support.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace {

using namespace heirloom::encoding::test;
namespace encoding = heirloom::encoding;
namespace kernels = heirloom::kernels;

struct DataType {
  std::uint64_t number;  // TensorProto.DataType
  const char* id;
};
constexpr std::array data_types{
    DataType{1, "f32"},          DataType{2, "u8"},       DataType{3, "i8"},           DataType{4, "u16"},
    DataType{5, "i16"},          DataType{6, "i32"},      DataType{7, "i64"},          DataType{9, "bool"},
    DataType{10, "f16"},         DataType{11, "f64"},     DataType{12, "u32"},         DataType{13, "u64"},
    DataType{16, "bf16"},        DataType{17, "f8_e4m3"}, DataType{18, "f8_e4m3fnuz"}, DataType{19, "f8_e5m2"},
    DataType{20, "f8_e5m2fnuz"}, DataType{24, "f8_e8m0"},
};

struct Tensor {
  std::string id;  // of the encoding, empty where there is none
  Bytes bytes;
};

// A reader of the two fields of TensorProto that matter: 2 data_type (varint), 9 raw_data (bytes).
class Fields {
 public:
  explicit Fields(Bytes bytes) : bytes_(std::move(bytes)) {}

  Tensor tensor() {
    Tensor tensor;
    while (at_ < bytes_.size()) {
      const std::uint64_t key = varint();
      const std::uint64_t number = varint();  // a value, or the length of one
      if (key == (2 << 3 | 0))
        for (const DataType& type : data_types)
          if (type.number == number)
            tensor.id = type.id;
      if ((key & 7) != 2)
        continue;
      REQUIRE(number <= bytes_.size() - at_);
      const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(at_);
      if (key == (9 << 3 | 2))
        tensor.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(number));
      at_ += number;
    }
    return tensor;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      REQUIRE(at_ < bytes_.size());
      const std::uint8_t byte = bytes_[at_++];
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80)
        break;
    }
    return value;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
};

Tensor read_tensor(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Fields(Bytes(std::istreambuf_iterator<char>(file), {})).tensor();
}

bool is_saturating(const std::string& name, const std::string& target) {
  return target.starts_with("f8_e") && target != "f8_e8m0" && name.find("no_saturate") == std::string::npos;
}

}  // namespace

TEST_CASE("casts give the bytes of ONNX's cast tests") {
  const std::filesystem::path folder = HEIRLOOM_SOURCE_DIR "/../shared/samples/onnx/node";
  if (!std::filesystem::exists(folder)) {
    std::printf("1 group of tests skipped: no ONNX cast samples beside the repository\n");
    return;
  }
  int compared = 0;
  int saturating = 0;
  int without_codec = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("test_cast_"))
      continue;
    const Tensor input = read_tensor(entry.path() / "test_data_set_0/input_0.pb");
    const Tensor output = read_tensor(entry.path() / "test_data_set_0/output_0.pb");
    const encoding::Codec* from = encoding::find_codec(input.id);
    const encoding::Codec* to = encoding::find_codec(output.id);
    if (from == nullptr || to == nullptr || !encoding::convertible(*from, *to)) {
      ++without_codec;
    } else if (is_saturating(name, output.id)) {
      ++saturating;
    } else {
      ++compared;
      for (const kernels::Kernels* isa : kernels::supported()) {
        CAPTURE(name);
        CAPTURE(isa->name);
        REQUIRE_FALSE(input.bytes.empty());
        CHECK(converted(*isa, input.id, output.id, input.bytes) == output.bytes);
      }
    }
  }
  std::printf("ONNX casts: %d compared, %d skipped since they saturate, %d without a codec\n", compared, saturating,
              without_codec);
  CHECK(compared >= 20);
}
