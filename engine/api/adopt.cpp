#include "engine/api/verify.hpp"

#include "engine/api/recording.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/directory_lock.hpp"
#include "engine/base/file_set.hpp"
#include "engine/base/output.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/names.hpp"
#include "engine/provenance/receipts.hpp"
#include "engine/record/chain.hpp"
#include "engine/record/found.hpp"

#include <algorithm>

namespace heirloom {
namespace {

namespace fs = std::filesystem;
using provenance::Part;

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// The record that the log is of.
struct Given {
  provenance::Log log;
  std::string receipts;
  std::optional<provenance::Ledger> ledger;
  std::string ledger_text;
};

// The checkpoint that a log of this name lies beside: "" for a directory; nothing when the name says neither.
std::optional<std::string> base_of(const std::string& log_name) {
  if (log_name == provenance::file_name(Part::log, ""))
    return "";
  const std::string suffix = provenance::file_name(Part::log, "x").substr(1);
  if (log_name.size() > suffix.size() && log_name.ends_with(suffix))
    return log_name.substr(0, log_name.size() - suffix.size());
  return std::nullopt;
}

// A part beside the log, if the log names this very file; "" otherwise, and why it is left out.
Result<std::string> read_beside(const base::FileSet& files, const record::Links& links, Part part, const std::string& base, std::uint64_t limit,
                                const base::Log& log) {
  const std::string name = provenance::file_name(part, base), kind = provenance::file_name(part, "");
  const auto& all = links.all;
  if (!std::binary_search(files.names().begin(), files.names().end(), name)) {
    if (std::any_of(all.begin(), all.end(), [&](const record::Link& link) { return !link.byproduct(kind).empty(); }))
      log.warn("the log names a file that does not lie beside it as " + base::quoted(name) + ": the adopted record is without it");
    return std::string();
  }
  HEIRLOOM_TRY(const auto bytes, files.read_all(name, limit));
  const std::string digest = base::to_hex(base::sha256(bytes));
  if (std::any_of(all.begin(), all.end(), [&](const record::Link& link) { return link.byproduct(kind) == digest; }))
    return text_of(bytes);
  log.warn(base::quoted(files.display(name)) + " is left out: it is not the file that the log names");
  return std::string();
}

Result<Given> read_given(const fs::path& path, const base::Log& log) {
  Given given;
  HEIRLOOM_TRY(const auto files, base::FileSet::open(path));
  const std::string name = files->primary().empty() ? provenance::file_name(Part::log, "") : files->primary();
  HEIRLOOM_TRY(const auto bytes, files->read_all(name, provenance::max_log_bytes));
  auto parsed = provenance::parse_log(text_of(bytes));
  if (!parsed)
    return fail(std::move(parsed).error().in_file(files->display(name)));
  given.log = std::move(*parsed);
  const record::Links links = record::read_links(given.log);
  if (links.all.empty())
    return fail(Error{Code::malformed, "holds no event", no_position, files->display(name)});
  const auto base = base_of(name);
  if (!base) {
    log.warn("the name of the log does not say what it lies beside (as NAME" + provenance::file_name(Part::log, "x").substr(1) +
             " does): the adopted record is without receipts and ledger");
    return given;
  }
  HEIRLOOM_TRY(given.receipts, read_beside(*files, links, Part::receipts, *base, provenance::max_receipts_bytes, log));
  HEIRLOOM_TRY(given.ledger_text, read_beside(*files, links, Part::ledger, *base, provenance::max_ledger_bytes, log));
  if (given.ledger_text.empty())
    return given;
  if (auto ledger = provenance::parse_ledger(given.ledger_text))
    given.ledger = std::move(*ledger);
  else
    log.warn(base::quoted(files->display(provenance::file_name(Part::ledger, *base))) + " is not understood: " + ledger.error().message);
  return given;
}

struct NewFile {
  std::string name;
  const std::string* text;
};

// All of them, or none.
Result<std::vector<std::string>> write_all(const fs::path& directory, const std::vector<NewFile>& files, bool force) {
  HEIRLOOM_TRY(const auto output, base::Output::create(directory / files.front().name, base::Output::Kind::file, force));
  std::vector<std::string> names;
  for (const NewFile& file : files) {
    HEIRLOOM_TRY(const base::OutputFile* added, output->add(file.name, file.text->size()));
    HEIRLOOM_CHECK(added->write(0, base::bytes_of(*file.text)));
    names.push_back(file.name);
  }
  HEIRLOOM_CHECK(output->commit());
  return names;
}

}  // namespace

Result<std::optional<report::Adopted>> adopt(const Session& session, const AdoptOptions& options, const base::Log& log) {
  HEIRLOOM_TRY(const base::DirectoryLock lock, base::DirectoryLock::of(options.path, log));
  HEIRLOOM_TRY(const auto source, session.open(options.path, {"", {}, {}, true}));
  HEIRLOOM_TRY(const Given given, read_given(options.log, log));
  HEIRLOOM_TRY(record::RunFacts run, begin_run(session.host(), source->plugin, source->checkpoint.format, options.threads));
  for (const File& file : source->checkpoint.files)
    run.files.push_back({file.name, file.size});
  HEIRLOOM_TRY(const record::Identity identity, record::identify(*source, session.maps(), {options.threads, options.memory_bytes, true}, log));
  HEIRLOOM_TRY(auto adoption, record::adopt(*source, identity, given.log, given.ledger, std::move(run)));
  if (!adoption)
    return std::nullopt;
  report::Adopted adopted{std::move(*adoption), options.path.string(), {}};
  const std::string base = record::record_base(*source);
  std::vector<NewFile> files{{provenance::file_name(Part::log, base), &adopted.adoption.log}};
  if (!adopted.adoption.has_same_tensors && !given.receipts.empty())
    log.warn("the receipts beside the log are left out: they are of other bytes than these tensors have");
  else if (!given.receipts.empty())
    files.push_back({provenance::file_name(Part::receipts, base), &given.receipts});
  const std::string* ledger = adopted.adoption.ledger ? &*adopted.adoption.ledger : &given.ledger_text;
  if (!ledger->empty())
    files.push_back({provenance::file_name(Part::ledger, base), ledger});
  HEIRLOOM_TRY(adopted.written, write_all(source->files->root(), files, options.force));
  return adopted;
}

}  // namespace heirloom
