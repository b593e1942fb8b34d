// Parts of annotating that files and directories share. Internal to engine/api.
#pragma once

#include "engine/api/annotate.hpp"
#include "engine/base/output.hpp"
#include "engine/record/annotation.hpp"
#include "engine/record/edits.hpp"
#include "engine/record/run_statement.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace heirloom {

// What --from names.
struct Import {
  std::string name;                     // "" for none
  std::string text;
  bool is_card = false;                 // else an object of keys
};
Result<Import> read_import(const std::filesystem::path& from);
// Of --set, --remove and an imported object of keys, of which --set and --remove win.
Result<std::vector<record::Edit>> edits_of(const AnnotateOptions& options, const Import& import);

std::filesystem::path first_file(const model::Source& source);

// The record with the annotation in it. Reads the weights where there is no record to take their roots from; in a dry run
// zeros stand for those.
Result<record::Renewed> renew(const Session& session, const AnnotateOptions& options, const Import& import,
                              const std::vector<report::AnnotatedKey>& keys, record::AnnotationInput input, const base::Log& log);
// The record's files as they are written beside the weights; the log tells of this run, too.
Result<std::vector<record::RecordFile>> files_of(const model::Source& source, const record::Renewed& renewed, record::RunFacts run);
void warn_of_signature(const model::Source& source, const base::Log& log);

// Files that are written beside their names, and then renamed one by one, in their order.
using Staged = std::vector<std::unique_ptr<base::Output>>;
Result<Staged> stage(const std::filesystem::path& directory, const std::vector<record::RecordFile>& files);
Result<void> commit(const Staged& staged);

Result<report::Annotated> annotate_directory(const Session& session, const AnnotateOptions& options, const Import& import,
                                             const base::Log& log);

}  // namespace heirloom
