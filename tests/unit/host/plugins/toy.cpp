// A plugin that keeps the contract. A file is "TOY1" and the bytes of one tensor "data" of u8; "TOY1!" is refused,
// "TOY1?" has two findings and a tensor that is left out.
#include "heirloom/plugin.hpp"

#include HEIRLOOM_TEST_MANIFEST

namespace {

using namespace std::string_literals;
using heirloom::Attr;
using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::Files;
using heirloom::Layout;
using heirloom::Options;
using heirloom::Result;

constexpr std::uint64_t header_bytes = 4;

// The file to read: the user's, or the one named "a.toy" in a directory.
std::string main_file(const Files& files) { return files.primary().empty() ? "a.toy" : std::string(files.primary()); }

class Toy : public heirloom::Reader, public heirloom::Writer {
 public:
  Result<std::uint32_t> probe(std::uint32_t, const Files& files) const override {
    return files.has(main_file(files)) ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
  }

  Result<Checkpoint> read(std::uint32_t, const Files& files, const Options& options) const override {
    const std::string name = main_file(files);
    HEIRLOOM_TRY(const std::uint64_t size, files.size(name));
    HEIRLOOM_TRY(const auto content, files.read_all(name, 1u << 20));
    if (size < header_bytes)
      return heirloom::fail(Code::malformed, "the header is cut", size);
    if (size > header_bytes && content[header_bytes] == '!')
      return heirloom::fail(heirloom::Error{Code::malformed, "byte '!' is not allowed", header_bytes, name, "data"});
    const Attr* decoded = heirloom::find_attr(options, "decoded");
    Checkpoint checkpoint{"toy", "1"};
    checkpoint.files = {{name, size}};
    checkpoint.encodings = {{"u8", 1, 1}};
    checkpoint.tensors = {{"data", "u8", {size - header_bytes}, {{0, header_bytes, size - header_bytes}}}};
    checkpoint.tensors[0].decoded = decoded != nullptr && decoded->get<bool>().value_or(false);
    checkpoint.attrs = {Attr::text("from", "toy")};
    if (size > header_bytes && content[header_bytes] == '?') {
      checkpoint.findings = {{"foreign_global", "posix.system", name, header_bytes, "starts a program"},
                             {"foreign_global", "builtins.eval", name, header_bytes}};
      checkpoint.left_out = {{"momentum", "f32", {2, 3}, "state of the training"}};
    }
    return checkpoint;
  }

  // Capital letters, so that a test sees who made them.
  Result<void> decode(const Files& files, const Checkpoint& checkpoint, std::uint32_t, std::uint64_t offset,
                      std::span<std::uint8_t> out) const override {
    HEIRLOOM_CHECK(files.read(checkpoint.files[0].name, header_bytes + offset, out));
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(byte - ('a' - 'A'));
    return {};
  }

  Result<Layout> plan(std::uint32_t, const Checkpoint& checkpoint, const Options& options) const override {
    if (checkpoint.tensors.size() != 1)
      return heirloom::fail(Code::unsupported, "a toy has exactly one tensor");
    if (!checkpoint.files.empty() || !checkpoint.tensors[0].extents.empty())
      return heirloom::fail(Code::misuse, "files and extents are not empty");
    const Attr* padding = heirloom::find_attr(options, "padding");
    const Attr* target = heirloom::find_attr(options, "target_name");
    const std::uint64_t start = header_bytes + (padding == nullptr ? 0 : padding->get<std::uint64_t>().value_or(0));
    const std::uint64_t size = checkpoint.tensors[0].shape.at(0);
    Layout layout;
    layout.files = {{target == nullptr ? "a.toy"s : target->strings.at(0), start + size}};
    layout.literals = {{0, 0, {'T', 'O', 'Y', '1'}}};
    layout.placements = {{0, 0, start, size}};
    return layout;
  }
};

const Toy toy;

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &toy, &toy);
