// heirloom-conform PLUGIN [SAMPLE...]: tests a plugin from its own claims, each case in a child process.
// Exit 0: all cases passed; 1: some failed; 2: it could not be run.
#include "manifest_cases.hpp"
#include "reader_cases.hpp"
#include "report.hpp"
#include "sample_cases.hpp"
#include "samples.hpp"
#include "sandbox.hpp"
#include "syscall_filter.hpp"
#include "writer_cases.hpp"

#include "calls.hpp"

#include "heirloom/wire.hpp"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string_view>

namespace heirloom::conform {
namespace {

constexpr int exit_ok = 0;
constexpr int exit_failed = 1;
constexpr int exit_could_not = 2;

constexpr char usage[] =
    "usage: heirloom-conform [--json] [--seconds N] [--only TEXT] PLUGIN [SAMPLE...] [--hostile SAMPLE...]\n"
    "\n"
    "Tests a Heirloom plugin from its own claims, each case in a child process with limits.\n"
    "A SAMPLE is a file, or a directory: one checkpoint if the plugin knows it as such, else the files in it.\n"
    "Samples after --hostile may be refused, but must not do harm.\n"
    "\n"
    "  --json        one JSON document instead of a line per case\n"
    "  --seconds N   processor time per case (default 10)\n"
    "  --only TEXT   only cases whose name holds TEXT\n"
    "\n"
    "example: heirloom-conform build/heirloom_npy.so samples/\n";

struct Arguments {
  bool is_json = false;
  unsigned seconds = 10;
  std::string only;
  std::string plugin;
  std::vector<std::string> samples;
  std::vector<std::string> hostile;
};

Result<Arguments> parse(int count, char** words) {
  Arguments arguments;
  bool is_hostile = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const bool has_value = i + 1 < count;
    if (word == "--json") {
      arguments.is_json = true;
    } else if (word == "--hostile") {
      is_hostile = true;
    } else if (word == "--only" && has_value) {
      arguments.only = words[++i];
    } else if (word == "--seconds" && has_value) {
      const std::string_view value = words[++i];
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), arguments.seconds);
      if (parsed.ptr != value.data() + value.size() || arguments.seconds == 0)
        return fail(Code::misuse, "--seconds takes a number above 0");
    } else if (word.size() > 1 && word[0] == '-') {
      return fail(Code::misuse, "unknown option \"" + std::string(word) + '"');
    } else if (arguments.plugin.empty()) {
      arguments.plugin = word;
    } else {
      (is_hostile ? arguments.hostile : arguments.samples).emplace_back(word);
    }
  }
  if (arguments.plugin.empty())
    return fail(Code::misuse, "no plugin is named");
  return arguments;
}

// Runs cases and reports them; remembers the first reason why one could not be run at all.
class Runner {
 public:
  Runner(Arguments arguments, std::string path)
      : arguments_(std::move(arguments)), path_(std::move(path)), report_(arguments_.is_json) {
    limits_.processor_seconds = arguments_.seconds;
    limits_.wall_seconds = arguments_.seconds * 6;
  }

  Result<Outcome> run_silently(const Case& one) const { return run_case(one, path_, limits_); }

  Result<void> run(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
      if (one.name.find(arguments_.only) == std::string::npos)
        continue;
      HEIRLOOM_TRY(const Outcome outcome, run_case(one, path_, limits_));
      report_.add(one.name, outcome);
    }
    return {};
  }

  void add(const std::string& name, const Outcome& outcome) { report_.add(name, outcome); }
  const Arguments& arguments() const { return arguments_; }
  const Report& report() const { return report_; }

 private:
  Arguments arguments_;
  std::string path_;
  Report report_;
  Limits limits_;
};

std::vector<FormatUnderTest> formats_of(const Manifest& manifest) {
  std::vector<FormatUnderTest> formats;
  for (const Format& format : manifest.formats)
    formats.push_back({static_cast<std::uint32_t>(formats.size()), format});
  return formats;
}

// Whether the format opens the sample; asked of directories, which may be checkpoints or just hold some.
Result<bool> is_opened(const Runner& runner, const FormatUnderTest& format, const Sample& sample) {
  const Case asking{"open", [&](const heirloom_plugin& plugin) -> Result<Note> {
                      HEIRLOOM_TRY(const auto* table, reader_table(plugin));
                      const ViewHost host(sample.files, sample.primary);
                      HEIRLOOM_TRY(const Opened opened, open(*table, format.index, host));
                      return Note(opened.answer.is_ok() ? "yes" : "");
                    }};
  HEIRLOOM_TRY(const Outcome outcome, runner.run_silently(asking));
  return outcome.is_ok && !outcome.text.empty();
}

// Number of the format that recognizes the sample best, asked in a child; nothing when none does.
Result<std::optional<std::size_t>> recognize(const Runner& runner, const std::vector<FormatUnderTest>& formats,
                                             const Sample& sample) {
  std::optional<std::size_t> best;
  std::uint32_t best_score = HEIRLOOM_PROBE_NO;
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (!formats[i].format.reads || (sample.primary.empty() && !formats[i].format.directory))
      continue;
    const Case asking{"probe", [&](const heirloom_plugin& plugin) -> Result<Note> {
                        HEIRLOOM_TRY(const auto* table, reader_table(plugin));
                        const ViewHost host(sample.files, sample.primary);
                        HEIRLOOM_TRY(const Probed probed, probe(*table, formats[i].index, host));
                        return Note(probed.answer.is_ok() ? probed.score : 0u, '+');
                      }};
    HEIRLOOM_TRY(const Outcome outcome, runner.run_silently(asking));
    // A probe that fails goes on to the cases, which say what is wrong.
    const auto score = outcome.is_ok ? static_cast<std::uint32_t>(outcome.text.size()) : 1u;
    if (score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

Result<bool> run_sample(Runner& runner, const std::vector<FormatUnderTest>& formats, const Sample& sample) {
  HEIRLOOM_TRY(const auto format, recognize(runner, formats, sample));
  if (!format)
    return false;
  const SampleSource source = [&sample](const heirloom_plugin&) -> Result<Sample> { return sample; };
  HEIRLOOM_CHECK(runner.run(sample_cases(formats[*format], sample.name, source)));
  return true;
}

Result<void> run_directory(Runner& runner, const std::vector<FormatUnderTest>& formats, const std::string& path,
                           bool may_be_refused) {
  HEIRLOOM_TRY(Sample whole, sample_of_directory(path));
  whole.may_be_refused = may_be_refused;
  HEIRLOOM_TRY(const auto format, recognize(runner, formats, whole));
  if (format) {
    HEIRLOOM_TRY(const bool is_checkpoint, is_opened(runner, formats[*format], whole));
    if (is_checkpoint)
      return run_sample(runner, formats, whole).map([](bool) {});
  }
  HEIRLOOM_TRY(const auto names, files_in(path));
  bool is_any_known = false;
  for (const std::string& name : names) {
    HEIRLOOM_TRY(Sample one, sample_of_file((std::filesystem::path(path) / name).string()));
    one.may_be_refused = may_be_refused;
    HEIRLOOM_TRY(const bool is_known, run_sample(runner, formats, one));
    is_any_known = is_any_known || is_known;
  }
  if (!is_any_known && !may_be_refused)
    runner.add("sample " + path, {false, "no format of the plugin recognizes a file in it"});
  return {};
}

Result<void> run_path(Runner& runner, const std::vector<FormatUnderTest>& formats, const std::string& path,
                      bool may_be_refused) {
  if (is_directory(path))
    return run_directory(runner, formats, path, may_be_refused);
  HEIRLOOM_TRY(Sample one, sample_of_file(path));
  one.may_be_refused = may_be_refused;
  HEIRLOOM_TRY(const bool is_known, run_sample(runner, formats, one));
  if (!is_known && !may_be_refused)
    runner.add("sample " + path, {false, "no format of the plugin recognizes it"});
  return {};
}

Result<void> run_formats(Runner& runner, const std::vector<FormatUnderTest>& formats) {
  for (const FormatUnderTest& format : formats) {
    if (format.format.reads)
      HEIRLOOM_CHECK(runner.run(reader_cases(format)));
    if (format.format.writes)
      HEIRLOOM_CHECK(runner.run(writer_cases(format)));
    if (format.format.reads && format.format.writes)
      HEIRLOOM_CHECK(runner.run(sample_cases(format, "own-output", own_output(format))));
  }
  return {};
}

Result<void> run_all(Runner& runner, const std::string& path) {
  HEIRLOOM_TRY(const auto library, map_file(path));
  HEIRLOOM_TRY(const Outcome loaded, runner.run_silently(load_case()));
  runner.add("load", {loaded.is_ok, loaded.is_ok ? std::string() : loaded.text});
  if (!loaded.is_ok)
    return {};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(loaded.text.data());
  HEIRLOOM_TRY(const Manifest manifest, decode_manifest({bytes, loaded.text.size()}));
  const std::vector<FormatUnderTest> formats = formats_of(manifest);
  HEIRLOOM_CHECK(runner.run(library_cases(library, manifest)));
  HEIRLOOM_CHECK(run_formats(runner, formats));
  for (const std::string& sample : runner.arguments().samples)
    HEIRLOOM_CHECK(run_path(runner, formats, sample, false));
  for (const std::string& sample : runner.arguments().hostile)
    HEIRLOOM_CHECK(run_path(runner, formats, sample, true));
  return {};
}

int run(int count, char** words) {
  for (int i = 1; i < count; ++i)
    if (std::string_view(words[i]) == "--help" || std::string_view(words[i]) == "-h") {
      std::fputs(usage, stdout);
      return exit_ok;
    }
  const auto arguments = parse(count, words);
  if (!arguments) {
    std::fprintf(stderr, "heirloom-conform: %s\n%s", arguments.error().message.c_str(), usage);
    return exit_could_not;
  }
  const std::string path = std::filesystem::absolute(arguments->plugin).string();
  Runner runner(*arguments, path);
  if (const auto done = run_all(runner, path); !done) {
    std::fprintf(stderr, "heirloom-conform: %s\n", done.error().message.c_str());
    return exit_could_not;
  }
  runner.report().finish(path, is_syscall_filter_available());
  return runner.report().all_ok() ? exit_ok : exit_failed;
}

}  // namespace
}  // namespace heirloom::conform

int main(int count, char** words) { return heirloom::conform::run(count, words); }
