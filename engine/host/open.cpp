#include "engine/base/text.hpp"
#include "engine/host/host_library.hpp"
#include "engine/host/option_text.hpp"

#include <algorithm>

namespace heirloom::host {

using base::FileSet;

// What one format says about a set of files.
struct Host::Claim {
  const Library* library = nullptr;
  std::uint32_t format = 0;
  std::uint32_t score = HEIRLOOM_PROBE_NO;
  std::string reason;  // why the score is 0
};

namespace {

// The error with the path of its file; the plugin knows relative names only.
Error located(const FileSet& files, Error error) {
  error.file = files.display(error.file.empty() ? files.primary() : error.file);
  return error;
}

Result<bool> has_magic(const Format& format, const FileSet& files) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(files.primary()));
  for (const Magic& magic : format.magic) {
    if (magic.offset > size || magic.bytes.size() > size - magic.offset)
      continue;
    std::vector<std::uint8_t> bytes(magic.bytes.size());
    HEIRLOOM_CHECK(files.read(files.primary(), magic.offset, bytes));
    if (bytes == magic.bytes)
      return true;
  }
  return false;
}

// "gguf, safetensors".
template <class Claims>
std::string names_of(const Claims& claims) {
  std::string names;
  for (const auto& claim : claims)
    names += (names.empty() ? "" : ", ") + claim.library->format(claim.format).id + " (plugin " +
             claim.library->plugin.manifest.id + ")";
  return names;
}

// Files that frameworks look for in a directory, in the order in which transformers does, then those of training
// frameworks and of labs' own releases. The first that is there says what the directory is.
struct UsualName {
  std::string_view file;
  std::string_view format;
};
constexpr UsualName usual_names[] = {{"model.safetensors", "safetensors"},
                                     {"model.safetensors.index.json", "safetensors"},
                                     {"pytorch_model.bin", "pytorch"},
                                     {"pytorch_model.bin.index.json", "pytorch"},
                                     {".metadata", "torch-dcp"},
                                     {"consolidated.safetensors", "safetensors"},
                                     {"consolidated.safetensors.index.json", "safetensors"},
                                     {"consolidated.00.pth", "pytorch"}};

// Refuses sets in which there is nothing to read.
Result<void> check_not_empty(const FileSet& files) {
  if (files.primary().empty())
    return files.names().empty()
               ? fail(Error{Code::misuse, "the directory has no files", no_position, files.display("")})
               : Result<void>();
  HEIRLOOM_TRY(const std::uint64_t size, files.size(files.primary()));
  if (size == 0)
    return fail(Error{Code::malformed, "the file is empty", no_position, files.display(files.primary())});
  return {};
}

}  // namespace

bool is_usual_name(std::string_view file) {
  return std::ranges::find(usual_names, file, &UsualName::file) != std::end(usual_names);
}

// Lists what each reading format says, in the order of loading.
std::vector<Host::Claim> Host::claims(const FileSet& files, const base::Log& log) const {
  std::vector<Claim> all;
  for (const auto& library : libraries_)
    for (std::uint32_t i = 0; i < library->plugin.manifest.formats.size(); ++i) {
      const Format& format = library->format(i);
      if (!format.reads)
        continue;
      Claim claim{library.get(), i, HEIRLOOM_PROBE_NO, {}};
      const bool has_primary = !files.primary().empty();
      const Result<bool> magic = has_primary && !format.magic.empty() ? has_magic(format, files) : Result<bool>(true);
      if (!magic) {
        claim.reason = magic.error().message;
      } else if (!*magic) {
        claim.reason = "the format's magic bytes are not there";
      } else if (const auto score = probe(library->plugin, i, files, log); !score) {
        claim.reason = score.error().message;
      } else {
        claim.score = *score;
        claim.reason = has_primary ? "the content is something else" : "none of its files are there";
      }
      all.push_back(std::move(claim));
    }
  return all;
}

Result<model::Source> Host::open_as(const Library& library, std::uint32_t format, std::unique_ptr<FileSet>& files,
                                    const OpenOptions& options, const base::Log& log) {
  const Format& wanted = library.format(format);
  HEIRLOOM_TRY(Options all, parse_options(wanted, wanted.read_options, options.option_texts,
                                          options.ignores_unknown ? Unknown::ignore : Unknown::refuse));
  all.insert(all.end(), options.options.begin(), options.options.end());
  HEIRLOOM_CHECK(check_options(wanted, wanted.read_options, all));
  auto opened = OpenReader::open(library.plugin, format, *files, all, log);
  if (!opened)
    return fail(located(*files, std::move(opened).error()));
  // Shared by the copies that std::function makes of the decoder.
  const std::shared_ptr<const OpenReader> reader = std::move(*opened);
  auto checkpoint = reader->describe();
  if (!checkpoint)
    return fail(located(*files, std::move(checkpoint).error()));

  const auto file_size = [&](std::string_view name) {
    return files->size(name).map_error([&](Error error) {
      error.file = name;
      return error;
    });
  };
  auto is_valid = model::validate(*checkpoint, file_size);
  if (is_valid && checkpoint->format != wanted.id)
    is_valid = fail(Code::internal, "the description says format " + base::quoted(checkpoint->format) + ", not " +
                                        base::quoted(wanted.id));
  if (!is_valid)
    return fail(located(*files, blame(library.plugin, std::move(is_valid).error())));

  model::Source source;
  source.checkpoint = std::move(*checkpoint);
  source.plugin = library.plugin.manifest.id;
  const auto& tensors = source.checkpoint.tensors;
  if (std::any_of(tensors.begin(), tensors.end(), [](const Tensor& tensor) { return tensor.decoded; }))
    source.decode = [reader, set = files.get()](std::uint32_t tensor, std::uint64_t offset,
                                                std::span<std::uint8_t> out) -> Result<void> {
      return reader->decode(tensor, offset, out).map_error([&](Error error) {
        return located(*set, std::move(error));
      });
    };
  if (!source.checkpoint.checksums.empty())
    source.checks = std::make_unique<model::RangeChecks>(source.checkpoint.checksums);
  source.files = std::move(files);
  return source;
}

// Nothing claims the files: the reader of the suffix's format says why, if there is one, and so does every other.
Result<model::Source> Host::open_unclaimed(const std::vector<Claim>& claims, std::unique_ptr<FileSet>& files,
                                           const OpenOptions& options, const base::Log& log) const {
  if (claims.empty())
    return fail(Code::misuse, "no plugin that reads anything is loaded; heirloom plugins --why says why");
  std::string reasons;
  for (const Claim& claim : claims) {
    const Format& format = claim.library->format(claim.format);
    std::string reason = claim.reason;
    if (!files->primary().empty() && has_suffix(format, files->primary())) {
      auto source = open_as(*claim.library, claim.format, files, options, log);
      if (source)
        return source;
      if (claims.size() == 1)
        return source;
      reason = source.error().message;
      if (source.error().position != no_position)
        reason = "byte " + std::to_string(source.error().position) + ": " + reason;
    }
    reasons += (reasons.empty() ? "" : "; ") + format.id + ": " + reason;
  }
  const char* what =
      files->primary().empty() ? "the directory has no weights that a plugin reads (" : "no plugin reads this file (";
  return fail(Error{Code::unsupported, what + reasons + ")", no_position, files->display(files->primary())});
}

// The claim that a usual name of a directory decides for; null where none does.
const Host::Claim* Host::decide_by_name(const std::vector<Claim>& claims, const FileSet& files) {
  for (const UsualName& usual : usual_names)
    for (const Claim& claim : claims)
      if (claim.score != HEIRLOOM_PROBE_NO && claim.library->format(claim.format).id == usual.format &&
          std::binary_search(files.names().begin(), files.names().end(), usual.file))
        return &claim;
  return nullptr;
}

Result<model::Source> Host::open(const std::filesystem::path& path, const OpenOptions& options,
                                 const base::Log& log) const {
  HEIRLOOM_TRY(std::unique_ptr<FileSet> files, FileSet::open(path));
  HEIRLOOM_CHECK(check_not_empty(*files));
  if (!options.format.empty()) {
    HEIRLOOM_TRY(const auto found, require_format(options.format));
    const auto& [library, index] = found;
    if (!library->format(index).reads)
      return fail(Code::misuse, "format " + base::quoted(options.format) + " cannot be read");
    return open_as(*library, index, files, options, log);
  }
  const std::vector<Claim> all = claims(*files, log);
  std::vector<Claim> best;
  for (const Claim& claim : all) {
    if (claim.score == HEIRLOOM_PROBE_NO || (!best.empty() && claim.score < best[0].score))
      continue;
    if (!best.empty() && claim.score > best[0].score)
      best.clear();
    best.push_back(claim);
  }
  if (best.empty())
    return open_unclaimed(all, files, options, log);
  if (const Claim* chosen = files->primary().empty() ? decide_by_name(all, *files) : nullptr; chosen != nullptr) {
    const Format& format = chosen->library->format(chosen->format);
    std::erase_if(best, [&](const Claim& claim) { return claim.library->format(claim.format).id == format.id; });
    auto source = open_as(*chosen->library, chosen->format, files, options, log);
    if (source && !best.empty() && best[0].score == HEIRLOOM_PROBE_CONTENT)
      source->checkpoint.warnings.push_back("the directory also holds weights as " + names_of(best) +
                                            ", which are not read; --from FORMAT reads them instead of " + format.id);
    return source;
  }
  if (best.size() > 1 && best[0].score < HEIRLOOM_PROBE_CONTENT && !files->primary().empty()) {
    std::vector<Claim> named;
    for (const Claim& claim : best)
      if (has_suffix(claim.library->format(claim.format), files->primary()))
        named.push_back(claim);
    if (!named.empty())
      best = named;
  }
  if (best.size() > 1)
    return fail(Error{Code::misuse, "several formats claim it: " + names_of(best) + "; --from FORMAT says which one",
                      no_position, files->display(files->primary())});
  return open_as(*best[0].library, best[0].format, files, options, log);
}

}  // namespace heirloom::host
