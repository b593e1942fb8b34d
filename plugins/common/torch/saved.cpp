#include "plugins/common/torch/saved.hpp"

#include <algorithm>

namespace heirloom::torch {
namespace {

constexpr std::uint64_t max_record_bytes = 4096;  // of version and byteorder
constexpr std::uint64_t max_inflated_bytes = 16u << 20;  // of a deflated pickle: PyTorch stores its own

// A small text member, without the white space around it; "" when there is none.
Result<std::string> read_record(const zip::Archive& archive, const std::string& name) {
  const zip::Member* member = archive.find(name);
  if (member == nullptr)
    return std::string();
  HEIRLOOM_TRY(const auto bytes, archive.read(*member, max_record_bytes));
  std::string text(bytes.begin(), bytes.end());
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

// A pickle that fills a member. Errors of a deflated one name the byte of its content, and say so.
Result<pickle::Tree> read_pickle(const zip::Archive& archive, const zip::Member& member, const pickle::Limits& limits) {
  HEIRLOOM_TRY(const auto bytes, archive.read(member, member.is_deflated ? std::min(limits.bytes, max_inflated_bytes) : limits.bytes));
  auto parsed = pickle::parse(bytes, member.is_deflated ? 0 : member.offset, limits);
  if (parsed && parsed->consumed != bytes.size())
    parsed = fail(Code::malformed, std::to_string(bytes.size() - parsed->consumed) + " bytes follow the pickle",
                  (member.is_deflated ? 0 : member.offset) + parsed->consumed);
  if (parsed)
    return std::move(parsed->tree);
  Error error = std::move(parsed).error().in_file(archive.file());
  if (member.is_deflated)
    error.message += " (the byte counts in the inflated \"" + member.name + "\")";
  return fail(std::move(error));
}

// Every member of a folder is a storage, whose key is the rest of its name.
void add_storages(const zip::Archive& archive, const std::string& folder, Storages& storages) {
  for (const zip::Member& member : archive.members()) {
    if (!member.name.starts_with(folder))
      continue;
    Storage storage{archive.file(), member.offset, member.size, member.crc32};
    if (member.is_deflated)
      storage.deflated = member;
    storages.add(member.name.substr(folder.size()), std::move(storage));
  }
}

// The folder of the first member, which must hold all others: PyTorch reads nothing outside it.
Result<std::string> find_root(const zip::Archive& archive) {
  const auto& members = archive.members();
  const std::string root = members.empty() ? std::string() : members[0].name.substr(0, members[0].name.find('/'));
  if (members.empty() || archive.find(root + "/data.pkl") == nullptr)
    return fail(Error{Code::malformed, "the archive has no data.pkl, so it is no file of torch.save",
                      members.empty() ? 0 : members[0].header, archive.file()});
  for (const zip::Member& member : members)
    if (!member.name.starts_with(root + "/"))
      return fail(Error{Code::malformed, "\"" + member.name + "\" lies outside of the archive's folder \"" + root + "\"",
                        member.header, archive.file()});
  return root;
}

}  // namespace

Result<Saved> open_saved(const Files& files, const std::string& file, zip::Range range, const pickle::Limits& limits) {
  HEIRLOOM_TRY(zip::Archive archive, zip::Archive::open(files, file, range));
  HEIRLOOM_TRY(std::string root, find_root(archive));
  HEIRLOOM_TRY(std::string version, read_record(archive, root + "/version"));
  HEIRLOOM_TRY(const std::string order, read_record(archive, root + "/byteorder"));
  if (!order.empty() && order != "little" && order != "big")
    return fail(Error{Code::malformed, "the byte order is \"" + order + "\" instead of \"little\" or \"big\"",
                      archive.find(root + "/byteorder")->offset, file});
  HEIRLOOM_TRY(pickle::Tree tree, read_pickle(archive, *archive.find(root + "/data.pkl"), limits));
  Saved saved{std::move(archive), std::move(root), std::move(version), order == "big", std::move(tree), {}, {}, {}};
  add_storages(saved.archive, saved.root + "/data/", saved.storages);
  if (const zip::Member* constants = saved.archive.find(saved.root + "/constants.pkl")) {
    HEIRLOOM_TRY(saved.constants, read_pickle(saved.archive, *constants, limits));
    add_storages(saved.archive, saved.root + "/constants/", saved.constant_storages);
  }
  return saved;
}

}  // namespace heirloom::torch
