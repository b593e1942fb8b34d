#include "sample_cases.hpp"

#include "allocations.hpp"
#include "calls.hpp"
#include "check_description.hpp"
#include "mutations.hpp"
#include "reader_cases.hpp"
#include "sandbox.hpp"

#include "heirloom/wire.hpp"

#include <algorithm>

namespace heirloom::conform {
namespace {

// Damaged opens together read about this much, so that a case ends within its time whatever the sample's size.
constexpr std::uint64_t work_bytes = 48u << 20;
constexpr std::uint64_t slack_bytes = 32u << 20;
constexpr std::uint64_t bytes_per_input_byte = 64;
constexpr std::uint64_t decode_limit = 4u << 20;

struct Subject {
  const heirloom_plugin& plugin;
  const FormatUnderTest& format;
  const Sample& sample;
};

// An open sample with its checked description. The host outlives the reader.
struct OpenSample {
  std::unique_ptr<ViewHost> host;
  ReaderHandle reader;
  Bytes buffer;
  Checkpoint checkpoint;
};

Result<OpenSample> open_sample(const Subject& on) {
  HEIRLOOM_TRY(const auto* table, reader_table(on.plugin));
  auto host = std::make_unique<ViewHost>(on.sample.files, on.sample.primary);
  HEIRLOOM_TRY(Opened opened, open(*table, on.format.index, *host));
  if (!opened.answer.is_ok())
    return broken("open refuses the sample: " + opened.answer.message);
  HEIRLOOM_TRY(const auto buffer, describe(*table, opened.reader.get()));
  HEIRLOOM_TRY(Checkpoint checkpoint, checked_description(on.format.format, buffer, *host));
  return OpenSample{std::move(host), std::move(opened.reader), Bytes(buffer.begin(), buffer.end()),
                    std::move(checkpoint)};
}

Result<Note> opens(const Subject& on) {
  HEIRLOOM_TRY(const auto* table, reader_table(on.plugin));
  const ViewHost host(on.sample.files, on.sample.primary);
  HEIRLOOM_TRY(const Probed probed, probe(*table, on.format.index, host));
  if (!probed.answer.is_ok() || probed.score == HEIRLOOM_PROBE_NO)
    return broken("probe does not recognize the sample");
  if (on.sample.may_be_refused)
    return open_any(on.plugin, on.format, host);
  HEIRLOOM_TRY(const OpenSample opened, open_sample(on));
  return Note(std::to_string(opened.checkpoint.tensors.size()) + " tensors");
}

Result<Note> says_the_same_twice(const Subject& on) {
  HEIRLOOM_TRY(const OpenSample first, open_sample(on));
  HEIRLOOM_TRY(const OpenSample second, open_sample(on));
  if (first.buffer != second.buffer)
    return broken("two opens of the same files gave different descriptions");
  return Note{};
}

std::uint64_t how_many(const Traffic& traffic, std::uint64_t least, std::uint64_t most) {
  return std::clamp<std::uint64_t>(work_bytes / std::max<std::uint64_t>(traffic.bytes, 1024), least, most);
}

Result<Note> keeps_nothing(const Subject& on) {
  constexpr std::uint64_t warm_up = 5;
  constexpr std::uint64_t growth_allowed = 16'384;
  const ViewHost first(on.sample.files, on.sample.primary);
  HEIRLOOM_CHECK(open_any(on.plugin, on.format, first));
  const std::uint64_t rounds = how_many(first.traffic(), 20, 500);
  std::uint64_t live = 0;
  const unsigned open_files = open_descriptors();
  for (std::uint64_t i = 0; i < warm_up + rounds; ++i) {
    if (i == warm_up)
      live = live_bytes();
    const ViewHost host(on.sample.files, on.sample.primary);
    HEIRLOOM_CHECK(open_any(on.plugin, on.format, host));
  }
  if (const std::uint64_t now = live_bytes(); now > live + growth_allowed)
    return broken(std::to_string(rounds) + " times open and close left " + std::to_string(now - live) +
                  " bytes behind");
  if (open_descriptors() > open_files)
    return broken("open and close left file descriptors behind");
  return Note{};
}

// Opens and reads a little of each decoded tensor, watching the memory that this takes.
Result<bool> survives(const Subject& on, const ViewHost& host, std::uint64_t memory_allowed) {
  HEIRLOOM_TRY(const auto* table, reader_table(on.plugin));
  reset_peak();
  const std::uint64_t live = live_bytes();
  HEIRLOOM_TRY(const Opened opened, open(*table, on.format.index, host));
  if (are_peaks_counted() && peak_bytes() - live > memory_allowed)
    return broken("open asked for " + std::to_string(peak_bytes() - live) + " bytes of memory");
  if (!opened.answer.is_ok())
    return false;
  HEIRLOOM_TRY(const auto buffer, describe(*table, opened.reader.get()));
  HEIRLOOM_TRY(const Checkpoint checkpoint, checked_description(on.format.format, buffer, host));
  Bytes out;
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i) {
    if (!checkpoint.tensors[i].decoded)
      continue;
    HEIRLOOM_TRY(const auto* decoder, decode_table(on.plugin));
    HEIRLOOM_TRY(const std::uint64_t bytes, tensor_bytes(checkpoint, checkpoint.tensors[i]));
    out.resize(std::min<std::uint64_t>(bytes, 4096));
    HEIRLOOM_CHECK(decode(*decoder, opened.reader.get(), i, 0, out).map([](auto&&) {}));
  }
  return true;
}

std::uint64_t memory_allowed(const Sample& sample) {
  std::uint64_t total = 0;
  for (const auto& [name, bytes] : sample.files)
    total += bytes.size();
  return slack_bytes + bytes_per_input_byte * total;
}

using MakeMutations = std::vector<Mutation> (*)(const Sample&, const Traffic&, std::uint64_t);

Result<Note> survives_all(const Subject& on, MakeMutations make, std::uint64_t most) {
  ViewHost clean(on.sample.files, on.sample.primary);
  const std::uint64_t allowed = memory_allowed(on.sample);
  HEIRLOOM_CHECK(survives(on, clean, allowed).map([](bool) {}));
  const auto mutations = make(on.sample, clean.traffic(), how_many(clean.traffic(), 40, most));
  std::uint64_t refused = 0;
  for (const Mutation& mutation : mutations) {
    ViewHost host(on.sample.files, on.sample.primary);
    host.set_mutation(mutation);
    const auto accepted = survives(on, host, allowed);
    if (!accepted)
      return broken("with " + describe(mutation) + ": " + accepted.error().message);
    refused += *accepted ? 0u : 1u;
  }
  return Note(std::to_string(refused) + " of " + std::to_string(mutations.size()) + " refused");
}

Result<Note> survives_cuts(const Subject& on) { return survives_all(on, cuts, 2000); }
Result<Note> survives_changes(const Subject& on) { return survives_all(on, changes, 20'000); }

Result<Note> survives_read_errors(const Subject& on) {
  ViewHost clean(on.sample.files, on.sample.primary);
  HEIRLOOM_CHECK(survives(on, clean, memory_allowed(on.sample)).map([](bool) {}));
  const std::uint64_t reads = clean.traffic().reads;
  const std::uint64_t step = std::max<std::uint64_t>(1, reads / how_many(clean.traffic(), 10, 200));
  for (std::uint64_t i = 0; i < reads; i += step) {
    ViewHost host(on.sample.files, on.sample.primary);
    host.fail_read(i);
    const auto accepted = survives(on, host, memory_allowed(on.sample));
    if (!accepted)
      return broken("when read number " + std::to_string(i) + " fails: " + accepted.error().message);
    if (*accepted && i == 0 && !clean.traffic().ranges.empty() && !on.sample.may_be_refused)
      return broken("open succeeds although every read fails");
  }
  return Note(std::to_string(reads) + " reads");
}

Result<Note> obeys_cancel(const Subject& on) {
  HEIRLOOM_TRY(const auto* table, reader_table(on.plugin));
  ViewHost host(on.sample.files, on.sample.primary);
  host.cancel();
  HEIRLOOM_TRY(const Opened opened, open(*table, on.format.index, host));
  if (host.traffic().polls == 0)
    return Note("does not ask");
  if (opened.answer.status != HEIRLOOM_CANCELLED)
    return broken("open asked whether to stop, was told yes, and returned status " +
                  std::to_string(opened.answer.status));
  return Note{};
}

Result<Note> survives_bad_options(const Subject& on) {
  HEIRLOOM_TRY(const auto* table, reader_table(on.plugin));
  const ViewHost host(on.sample.files, on.sample.primary);
  Dice dice(5);
  for (const std::uint64_t size : {1u, 4u, 8u, 64u, 1000u}) {
    HEIRLOOM_TRY(const Opened opened, open(*table, on.format.index, host, dice.bytes(size)));
    if (opened.answer.is_ok() && !on.format.format.read_options.empty())
      return broken("open takes " + std::to_string(size) + " random bytes for options");
  }
  HEIRLOOM_CHECK(open(*table, on.format.index, host, encode(Options{Attr::text("no_such_option", "1")})));
  for (const OptionSpec& option : on.format.format.read_options) {
    Attr wrong{option.name, AttrType::array, AttrType::f64};
    HEIRLOOM_TRY(const Opened opened, open(*table, on.format.index, host, encode(Options{wrong})));
    if (opened.answer.is_ok())
      return broken("open takes a list for the option " + quoted(option.name));
  }
  return Note{};
}

Result<void> check_decoding(const Subject& on, OpenSample& opened, std::uint32_t tensor) {
  HEIRLOOM_TRY(const auto* table, decode_table(on.plugin));
  heirloom_reader* reader = opened.reader.get();
  HEIRLOOM_TRY(const Bytes whole, read_tensor(on.plugin, reader, opened.checkpoint, tensor, *opened.host));
  const std::uint64_t step = whole.size() / 23 + 1;
  for (std::uint64_t at = 0; at < whole.size(); at += step) {
    Bytes piece(std::min<std::uint64_t>(step, whole.size() - at));
    HEIRLOOM_TRY(const Answer answer, decode(*table, reader, tensor, at, piece));
    if (!answer.is_ok())
      return broken("decode refuses " + std::to_string(piece.size()) + " bytes at " + std::to_string(at) + ": " +
                    answer.message);
    if (!std::equal(piece.begin(), piece.end(), whole.begin() + static_cast<std::ptrdiff_t>(at)))
      return broken("decode gives other bytes at " + std::to_string(at) + " when it is asked for a piece");
  }
  HEIRLOOM_TRY(const std::uint64_t bytes, tensor_bytes(opened.checkpoint, opened.checkpoint.tensors[tensor]));
  Bytes beyond(8);
  for (const std::uint64_t at : {bytes, bytes - 1, bytes + 1, UINT64_MAX - 4}) {
    HEIRLOOM_TRY(const Answer answer, decode(*table, reader, tensor, at, beyond));
    if (answer.is_ok())
      return broken("decode gives bytes past the end of the tensor");
  }
  return {};
}

Result<Note> decodes(const Subject& on) {
  HEIRLOOM_TRY(OpenSample opened, open_sample(on));
  const auto& tensors = opened.checkpoint.tensors;
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < tensors.size() && count < 64; ++i)
    if (tensors[i].decoded && tensor_bytes(opened.checkpoint, tensors[i]).value_or(0) <= decode_limit) {
      ++count;
      if (const auto checked = check_decoding(on, opened, i); !checked)
        return broken("tensor " + quoted(tensors[i].name) + ": " + checked.error().message);
    }
  if (count == 0)
    return Note("no decoded tensors");
  HEIRLOOM_TRY(const auto* table, decode_table(on.plugin));
  Bytes out(1);
  HEIRLOOM_TRY(const Answer answer,
               decode(*table, opened.reader.get(), static_cast<std::uint32_t>(tensors.size()), 0, out));
  if (answer.is_ok())
    return broken("decode gives bytes of a tensor that does not exist");
  return Note(std::to_string(count) + " tensors");
}

struct NamedBody {
  const char* name;
  Result<Note> (*body)(const Subject&);
  bool needs_valid_sample;
};

constexpr NamedBody bodies[] = {
    {"opens", opens, false},
    {"same-twice", says_the_same_twice, true},
    {"keeps-nothing", keeps_nothing, false},
    {"cut", survives_cuts, false},
    {"changed", survives_changes, false},
    {"read-errors", survives_read_errors, false},
    {"cancelled", obeys_cancel, true},
    {"bad-options", survives_bad_options, false},
    {"decode", decodes, true},
};

}  // namespace

Result<Bytes> read_tensor(const heirloom_plugin& plugin, heirloom_reader* reader, const Checkpoint& checkpoint,
                          std::uint32_t tensor, const ViewHost& host) {
  const Tensor& wanted = checkpoint.tensors[tensor];
  HEIRLOOM_TRY(const std::uint64_t size, tensor_bytes(checkpoint, wanted));
  Bytes out(size);
  if (wanted.decoded) {
    HEIRLOOM_TRY(const auto* table, decode_table(plugin));
    HEIRLOOM_TRY(const Answer answer, decode(*table, reader, tensor, 0, out));
    if (!answer.is_ok())
      return broken("decode refuses: " + answer.message);
    return out;
  }
  std::span<std::uint8_t> rest = out;
  for (const Extent& extent : wanted.extents) {
    HEIRLOOM_CHECK(host.copy(checkpoint.files[extent.file].name, extent.offset, rest.first(extent.size)));
    rest = rest.subspan(extent.size);
  }
  return out;
}

std::vector<Case> sample_cases(const FormatUnderTest& format, const std::string& sample_name,
                               const SampleSource& source) {
  std::vector<Case> cases;
  for (const NamedBody& named : bodies)
    cases.push_back({format.format.id + "/read/" + sample_name + "/" + named.name,
                     [format, source, named](const heirloom_plugin& plugin) -> Result<Note> {
                       HEIRLOOM_TRY(const Sample sample, source(plugin));
                       if (named.needs_valid_sample && sample.may_be_refused) {
                         const ViewHost host(sample.files, sample.primary);
                         HEIRLOOM_TRY(const Note refusal, open_any(plugin, format, host));
                         if (!refusal.empty())
                           return Note("not asked of a sample that is refused");
                       }
                       return named.body({plugin, format, sample});
                     }});
  return cases;
}

}  // namespace heirloom::conform
