// The files against what the runs note of them, their sizes and SHA-256: bytes that no root covers, such as those of headers.
#include "engine/base/text.hpp"
#include "engine/record/verify_parts.hpp"

#include <algorithm>
#include <set>

namespace heirloom::record {
namespace {

using provenance::LogLine;
using provenance::RunFile;

// What the runs of an event note. A run that cannot be read is told elsewhere.
std::vector<RunFile> files_of(const Check& check, const std::string& event) {
  std::vector<RunFile> files;
  for (const LogLine& line : check.found.log.lines)
    if (line.statement && line.statement->predicate_type == provenance::run_type)
      if (auto run = provenance::parse_run(*line.statement); run && run->event == event)
        files.insert(files.end(), run->files.begin(), run->files.end());
  return files;
}

class Files {
 public:
  explicit Files(Check& check) : check_(check), names_(check.checked.files->names()) {
    for (const File& file : check.checked.checkpoint.files)
      weights_.insert(file.name);
    for (const provenance::Resource& file : check.last->event.subject)
      covered_.insert(file.name);
  }

  // The files that no run of a later event names.
  Result<void> check_event(const Link& link) {
    const std::vector<RunFile> noted = files_of(check_, link.id);
    std::set<std::string> named;
    for (const RunFile& file : noted)
      named.insert(file.name);
    for (const RunFile& file : noted) {
      if (covered_.contains(file.name) || seen_.contains(file.name))
        continue;
      if (std::binary_search(names_.begin(), names_.end(), file.name)) {
        HEIRLOOM_TRY(const std::string problem, problem_of(file, file.name));
        if (!problem.empty())
          check_.mismatch("file", file.name, problem);
      } else {
        HEIRLOOM_CHECK(check_renamed(file, named));
      }
    }
    seen_.insert(named.begin(), named.end());
    return {};
  }

 private:
  // How a file differs from what is noted; "" when it does not.
  Result<std::string> problem_of(const RunFile& noted, const std::string& name) const {
    HEIRLOOM_TRY(const std::uint64_t size, check_.checked.files->size(name));
    if (size != noted.size)
      return "has " + std::to_string(size) + " bytes, the run that wrote it says " + std::to_string(noted.size);
    if (!noted.sha256)
      return "";
    HEIRLOOM_TRY(const base::Digest digest, digest_of_file(*check_.checked.files, name));
    return digest == *noted.sha256 ? "" : "has another SHA-256 than the run that wrote it says";
  }

  // Files may be renamed: one of the weight files that no run names is it, or none.
  Result<void> check_renamed(const RunFile& noted, const std::set<std::string>& named) {
    std::string others;
    for (const std::string& name : weights_) {
      if (named.contains(name) || seen_.contains(name))
        continue;
      HEIRLOOM_TRY(const std::string problem, problem_of(noted, name));
      if (problem.empty()) {
        check_.out.notes.push_back("the run that wrote " + base::quoted(name) + " calls it " + base::quoted(noted.name));
        seen_.insert(name);
        return {};
      }
      others += (others.empty() ? "" : ", ") + base::quoted(name);
    }
    if (!others.empty())
      check_.mismatch("file", noted.name, "of " + std::to_string(noted.size) + " bytes was written by a run, and is not there; " + others + " is not it");
    return {};
  }

  Check& check_;
  const std::vector<std::string>& names_;
  std::set<std::string> weights_, covered_, seen_;
};

}  // namespace

Result<void> check_files_written(Check& check) {
  if (check.out.is_last_step_unrecorded)
    return {};
  Files files(check);
  // `annotate` writes some of the files that the event before it made; all others write theirs anew.
  for (auto link = check.chain.rbegin(); link != check.chain.rend(); ++link) {
    HEIRLOOM_CHECK(files.check_event(**link));
    if ((*link)->event.kind() != "annotate")
      break;
  }
  return {};
}

}  // namespace heirloom::record
