#include "engine/provenance/addresses.hpp"

#include <algorithm>
#include <array>

namespace heirloom::provenance {
namespace {

constexpr std::size_t max_address_bytes = 2048;
constexpr std::string_view hub = "https://huggingface.co/";

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hexadecimal(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Names of the hub are letters, digits, '-', '_' and '.'.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 96 && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

// What a package URL does not percent-encode (purl-spec, "character encoding").
std::string encoded(std::string_view text, std::string_view also) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (is_alphanumeric(c) || std::string_view(".-_~:").find(c) != std::string_view::npos || also.find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += '%';
      result += digits[static_cast<unsigned char>(c) >> 4];
      result += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return result;
}

}  // namespace

bool is_address(std::string_view text) {
  constexpr std::array<std::string_view, 4> schemes = {"https://", "http://", "ssh://", "git+https://"};
  const auto* scheme = std::find_if(schemes.begin(), schemes.end(), [&](std::string_view known) { return text.starts_with(known); });
  if (scheme == schemes.end() || text.size() > max_address_bytes || text.size() == scheme->size() || !is_alphanumeric(text[scheme->size()]))
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && (i + 2 >= text.size() || !is_hexadecimal(text[i + 1]) || !is_hexadecimal(text[i + 2])))
      return false;
    if (!is_alphanumeric(text[i]) && std::string_view("-._~:/?#@!$&'()*+,;=%").find(text[i]) == std::string_view::npos)
      return false;
  }
  return std::count(text.begin(), text.end(), '#') <= 1;
}

std::optional<HubName> hub_name(std::string_view text) {
  if (text.starts_with("git+"))
    text.remove_prefix(4);
  if (text.starts_with(hub))
    text.remove_prefix(hub.size());
  if (text.ends_with('/'))
    text.remove_suffix(1);
  if (text.ends_with(".git"))
    text.remove_suffix(4);
  const std::size_t slash = text.find('/');
  if (slash == text.npos || !is_name(text.substr(0, slash)) || !is_name(text.substr(slash + 1)))
    return std::nullopt;
  return HubName{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string hub_address(const HubName& model) { return std::string(hub) + model.organization + "/" + model.name; }

std::string hub_package_url(const HubName& model, std::string_view revision, std::string_view file) {
  std::string url = "pkg:huggingface/" + encoded(model.organization, "") + "/" + encoded(model.name, "");
  if (!revision.empty()) {
    std::string lower(revision);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    url += "@" + encoded(lower, "");
  }
  return file.empty() ? url : url + "#" + encoded(file, "/");
}

GitSource git_source(std::string_view uri) {
  if (uri.starts_with("git+"))
    uri.remove_prefix(4);
  const std::size_t slash = uri.rfind('/');
  const std::size_t at = uri.rfind('@');
  if (at == uri.npos || slash == uri.npos || at < slash)
    return {std::string(uri), ""};
  return {std::string(uri.substr(0, at)), std::string(uri.substr(at + 1))};
}

}  // namespace heirloom::provenance
