#include "engine/record/origin.hpp"

#include "engine/plan/package.hpp"

#include <algorithm>
#include <filesystem>

namespace heirloom::record {
namespace {

using provenance::Claim;
using provenance::status_declared;
using provenance::status_inferred;

constexpr std::uint64_t max_note_bytes = 1u << 20;

// "" when it is not there or cannot be read: these notes are a help, not a duty.
std::string text_of(const model::Source& source, const std::string& name) {
  const auto bytes = plan::read_optional(source, name, max_note_bytes);
  return bytes && *bytes ? std::string((*bytes)->begin(), (*bytes)->end()) : "";
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find_first_of("\r\n")); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

void add(std::vector<Claim>& claims, std::string_view field, std::string_view value, std::string_view status, std::string from) {
  if (!value.empty())
    claims.push_back({std::string(field), std::string(value), std::string(status), std::move(from)});
}

// .../models--ORG--NAME/snapshots/REVISION
void ask_cache_path(const model::Source& source, std::vector<Claim>& claims) {
  const std::filesystem::path path = std::filesystem::absolute(source.files->root()).lexically_normal();
  std::vector<std::string> parts;
  for (const auto& part : path)
    if (!part.empty())
      parts.push_back(part.string());
  for (std::size_t i = 0; i + 2 < parts.size(); ++i) {
    constexpr std::string_view prefix = "models--";
    if (!parts[i].starts_with(prefix) || parts[i + 1] != "snapshots" || !is_commit(parts[i + 2]))
      continue;
    std::string id = parts[i].substr(prefix.size());
    if (const std::size_t dashes = id.find("--"); dashes != id.npos)
      id.replace(dashes, 2, "/");
    add(claims, "repository", "https://huggingface.co/" + id, status_inferred, "rule:hub-cache-path");
    add(claims, "revision", parts[i + 2], status_inferred, "rule:hub-cache-path");
    return;
  }
}

// The hub's client notes the revision of each file that it fetched into a folder.
void ask_download_notes(const model::Source& source, std::vector<Claim>& claims) {
  std::vector<std::string> names = {"config.json", "README.md"};
  if (!source.checkpoint.files.empty())
    names.insert(names.begin(), source.checkpoint.files.front().name);
  for (const std::string& name : names) {
    const std::string note = ".cache/huggingface/download/" + name + ".metadata";
    const std::string text = text_of(source, note);
    if (const std::string_view revision = first_line(text); is_commit(revision))
      return add(claims, "revision", revision, status_declared, note);
  }
}

std::string commit_of_head(const model::Source& source) {
  const std::string head_text = text_of(source, ".git/HEAD");
  const std::string_view head = first_line(head_text);
  constexpr std::string_view prefix = "ref: ";
  if (!head.starts_with(prefix))
    return is_commit(head) ? std::string(head) : "";
  const std::string reference(head.substr(prefix.size()));
  if (!reference.starts_with("refs/"))
    return "";
  const std::string loose = text_of(source, ".git/" + reference);
  if (const std::string_view commit = first_line(loose); is_commit(commit))
    return std::string(commit);
  const std::string packed = text_of(source, ".git/packed-refs");
  const std::size_t at = packed.find(" " + reference + "\n");
  return at != packed.npos && at >= 40 && is_commit(packed.substr(at - 40, 40)) ? packed.substr(at - 40, 40) : "";
}

// The address of [remote "origin"].
std::string remote_of(const model::Source& source) {
  const std::string config = text_of(source, ".git/config");
  bool is_origin = false;
  for (std::string_view rest = config; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.starts_with('['))
      is_origin = line == "[remote \"origin\"]";
    else if (const std::size_t equals = line.find('='); is_origin && equals != line.npos && trimmed(line.substr(0, equals)) == "url")
      return public_address(trimmed(line.substr(equals + 1)));
  }
  return "";
}

}  // namespace

bool is_commit(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string public_address(std::string_view address) {
  std::string scheme;
  if (const std::size_t colon = address.find("://"); colon != address.npos) {
    scheme = address.substr(0, colon + 3);
    address.remove_prefix(colon + 3);
  } else if (const std::size_t at = address.find('@'); at != address.npos && address.find(':', at) != address.npos) {
    const std::size_t split = address.find(':', at);
    return "ssh://" + std::string(address.substr(at + 1, split - at - 1)) + "/" + std::string(address.substr(split + 1));
  } else {
    return "";  // a path of this machine
  }
  if (scheme != "https://" && scheme != "http://" && scheme != "ssh://" && scheme != "git://")
    return "";
  address = address.substr(0, address.find_first_of("?#"));
  const std::size_t slash = std::min(address.find('/'), address.size());
  if (const std::size_t at = address.substr(0, slash).rfind('@'); at != address.npos)
    address.remove_prefix(at + 1);
  return scheme + std::string(address);
}

std::vector<Claim> origin_claims(const model::Source& source, bool has_neighbours) {
  std::vector<Claim> claims;
  ask_cache_path(source, claims);
  if (!claims.empty() || !has_neighbours)
    return claims;
  add(claims, "repository", remote_of(source), status_declared, ".git/config");
  add(claims, "revision", commit_of_head(source), status_declared, ".git/HEAD");
  if (claims.empty())
    ask_download_notes(source, claims);
  return claims;
}

}  // namespace heirloom::record
