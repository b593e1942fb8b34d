#include "plugins/pytorch/contents.hpp"

#include "plugins/pytorch/tar.hpp"

#include "plugins/common/pickle/parse.hpp"
#include "plugins/common/pickle/policy.hpp"
#include "plugins/common/zip/archive.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace heirloom::pytorch {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t looked_at_bytes = 512;

// The number with which every legacy file begins, as protocols 0 and 1, and 2 and later write it.
constexpr std::string_view magic_text = "L119547037146038801333356L\n"sv;
constexpr std::string_view magic_bytes = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
constexpr std::size_t max_magic_position = 16;  // PROTO and FRAME may come before

constexpr std::string_view data_pickle = "/data.pkl"sv;

bool is_legacy(std::string_view front) {
  const std::size_t at = std::min(front.find(magic_text), front.find(magic_bytes));
  return at <= max_magic_position;
}

// Opcodes with which a pickle of something begins.
bool may_be_pickle(std::string_view front) {
  if (front.size() < 2)
    return false;
  if (front[0] == '\x80')
    return front[1] >= '\0' && front[1] <= '\5';
  return "(]})cIJKLMNSTUVXGFq"sv.find(front[0]) != std::string_view::npos;
}

// Name of the member that the local header at the front of the file says.
std::string_view first_member(std::string_view front) {
  constexpr std::size_t header_bytes = 30, length_at = 26;
  if (front.size() < header_bytes)
    return {};
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(front[i]); };
  return front.substr(header_bytes, byte(length_at) | (std::size_t{byte(length_at + 1)} << 8));
}

// Whether the archive is PyTorch's. A damaged one in which the first member lies in a folder may be.
bool is_torch_zip(const Files& files, const std::string& file, std::string_view front) {
  const std::string_view name = first_member(front);
  const std::size_t slash = name.find('/');
  if (name.ends_with(data_pickle))
    return true;
  if (slash == std::string_view::npos)
    return false;
  const auto archive = zip::Archive::open(files, file);
  return !archive || archive->find(std::string(name.substr(0, slash)) + std::string(data_pickle)) != nullptr;
}

}  // namespace

Result<Container> find_container(const Files& files, const std::string& file) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  std::array<char, looked_at_bytes> bytes;
  const std::string_view front(bytes.data(), std::min<std::uint64_t>(size, bytes.size()));
  HEIRLOOM_CHECK(files.read(file, 0, {reinterpret_cast<std::uint8_t*>(bytes.data()), front.size()}));
  if (front.starts_with("PK\x03\x04"sv))
    return is_torch_zip(files, file, front) ? Container::zip : Container::none;
  if (is_legacy(front))
    return Container::legacy;
  if (looks_like_tar(front))
    return Container::tar;
  return may_be_pickle(front) ? Container::bare_pickle : Container::none;
}

Result<Contents> read_contents(const Files& files, const std::string& file, const ReadOptions& options) {
  HEIRLOOM_TRY(const Container container, find_container(files, file));
  switch (container) {
    case Container::zip: return read_zip(files, file, options);
    case Container::legacy: return read_legacy(files, file, options);
    case Container::tar: return read_tar(files, file, options);
    case Container::bare_pickle: return read_bare_pickle(files, file);
    default: break;
  }
  return fail(Error{Code::malformed, "this is no file that PyTorch writes", 0, file});
}

// PyTorch reads a pickle in front of anything else: what such a file asks for is worth telling.
Result<Contents> read_bare_pickle(const Files& files, const std::string& file) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  HEIRLOOM_TRY(const pickle::Parsed parsed, pickle::parse_file(files, file, 0, size));
  Contents contents;
  contents.findings = pickle::find_suspects(parsed.tree, file);
  if (contents.findings.empty())
    return fail(Error{Code::unsupported, "a pickle that torch.save did not write: it has neither PyTorch's header nor tensors",
                      0, file});
  contents.warnings.push_back("\"" + file + "\" is a pickle that torch.save did not write; nothing but its globals is read");
  return contents;
}

Result<void> add_object(Contents& contents, const pickle::Tree& tree, const torch::WalkOptions& options,
                        const Describe& describe) {
  HEIRLOOM_TRY(torch::Listing listing, torch::walk(tree, options));
  for (torch::Found& found : listing.tensors) {
    auto described = describe(found.id);
    if (!described)
      return fail(std::move(described).error().at_tensor(found.name));
    contents.items.push_back({std::move(found.name), found.container_bytes, std::move(*described), found.is_optimizer});
  }
  std::move(listing.attrs.begin(), listing.attrs.end(), std::back_inserter(contents.attrs));
  std::move(listing.warnings.begin(), listing.warnings.end(), std::back_inserter(contents.warnings));
  return {};
}

}  // namespace heirloom::pytorch
