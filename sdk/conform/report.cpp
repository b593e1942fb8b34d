#include "report.hpp"

#include <cstdio>

namespace heirloom::conform {
namespace {

// Bytes that are not printable ASCII are escaped, so that a hostile name cannot drive a terminal or break the JSON.
std::string escaped(const std::string& text, bool is_json) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_json && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      char code[8];
      std::snprintf(code, sizeof code, is_json ? "\\u%04x" : "\\x%02x", byte);
      out += code;
    }
  }
  return out;
}

}  // namespace

void Report::add(const std::string& name, const Outcome& outcome) {
  failed_ += outcome.is_ok ? 0 : 1;
  lines_.push_back({name, outcome});
  if (is_json_)
    return;
  const std::string shown = escaped(name, false);
  const std::string text = escaped(outcome.text, false);
  if (!outcome.is_ok)
    std::printf("FAIL %s: %s\n", shown.c_str(), text.c_str());
  else if (text.empty())
    std::printf("ok %s\n", shown.c_str());
  else
    std::printf("ok %s (%s)\n", shown.c_str(), text.c_str());
  std::fflush(stdout);
}

void Report::finish(const std::string& plugin_path, bool is_filtered) const {
  const std::size_t passed = lines_.size() - failed_;
  if (!is_json_) {
    std::printf("%zu passed, %zu failed%s\n", passed, failed_,
                is_filtered ? "" : "; this system has no system-call filter: files, threads and output were not watched");
    return;
  }
  std::printf("{\"plugin\": \"%s\", \"passed\": %zu, \"failed\": %zu, \"system_calls_watched\": %s, \"cases\": [",
              escaped(plugin_path, true).c_str(), passed, failed_, is_filtered ? "true" : "false");
  const char* comma = "";
  for (const Line& line : lines_) {
    std::printf("%s\n  {\"name\": \"%s\", \"ok\": %s, \"text\": \"%s\"}", comma, escaped(line.name, true).c_str(),
                line.outcome.is_ok ? "true" : "false", escaped(line.outcome.text, true).c_str());
    comma = ",";
  }
  std::printf("\n]}\n");
}

}  // namespace heirloom::conform
