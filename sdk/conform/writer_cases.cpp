#include "writer_cases.hpp"

#include "allocations.hpp"
#include "calls.hpp"
#include "check_description.hpp"
#include "check_layout.hpp"
#include "finish.hpp"
#include "reader_cases.hpp"
#include "synthetic.hpp"

#include "heirloom/wire.hpp"

#include <algorithm>

namespace heirloom::conform {
namespace {

constexpr std::uint64_t plan_memory = 64u << 20;

std::string target_name(const Format& format) {
  return "model" + (format.suffixes.empty() ? std::string(".bin") : format.suffixes.front());
}

std::vector<Bytes> random_tensors(const Checkpoint& checkpoint) {
  Dice dice(99);
  std::vector<Bytes> all;
  for (const Tensor& tensor : checkpoint.tensors)
    all.push_back(dice.bytes(tensor_bytes(checkpoint, tensor).value_or(0)));
  return all;
}

// The checked layout, twice the same; nothing when the writer refuses (`refusal` says why).
struct PlannedLayout {
  Answer answer;
  Planned planned;
  Layout layout;
};

Result<PlannedLayout> plan_twice(const heirloom_plugin& plugin, const FormatUnderTest& format,
                                 const Checkpoint& checkpoint, const Options& options) {
  HEIRLOOM_TRY(const auto* table, writer_table(plugin));
  const Bytes wanted = encode(checkpoint);
  const Bytes settings = options.empty() ? Bytes{} : encode(options);
  reset_peak();
  const std::uint64_t live = live_bytes();
  HEIRLOOM_TRY(Planned first, plan(*table, format.index, wanted, settings));
  if (are_peaks_counted() && peak_bytes() - live > plan_memory)
    return broken("plan asked for " + std::to_string(peak_bytes() - live) + " bytes of memory");
  HEIRLOOM_TRY(const Planned second, plan(*table, format.index, wanted, settings));
  if (first.answer.status != second.answer.status)
    return broken("plan answered differently when it was asked again");
  if (!first.answer.is_ok())
    return PlannedLayout{first.answer, {}, {}};
  if (!std::equal(first.bytes.begin(), first.bytes.end(), second.bytes.begin(), second.bytes.end()))
    return broken("plan gave two different layouts for one description");
  HEIRLOOM_TRY(Layout layout, checked_layout(checkpoint, first.bytes));
  return PlannedLayout{{}, std::move(first), std::move(layout)};
}

Result<void> check_refusal(const Answer& answer, Expect expect) {
  const bool is_unsupported = answer.status == HEIRLOOM_UNSUPPORTED;
  const std::string got = "status " + std::to_string(answer.status) + " (" + answer.message + ")";
  if (expect == Expect::planned)
    return broken("plan refuses what the manifest claims: " + got);
  if (expect == Expect::planned_or_refused && !is_unsupported && answer.status != HEIRLOOM_LIMIT)
    return broken("plan refuses with " + got + " instead of unsupported or limit");
  if (expect == Expect::unsupported && !is_unsupported)
    return broken("plan refuses with " + got + " instead of unsupported");
  return {};
}

Result<void> check_same_attrs(const Checkpoint& written, const Checkpoint& read) {
  for (const Attr& attr : written.attrs) {
    const Attr* found = find_attr(read.attrs, attr.key);
    if (found == nullptr)
      return broken("the attribute " + quoted(attr.key) + " is lost");
    if (found->type != attr.type || found->data != attr.data || found->strings != attr.strings ||
        (attr.type == AttrType::array && found->element != attr.element))
      return broken("the attribute " + quoted(attr.key) + " comes back with another type or value");
  }
  return {};
}

std::string text_of(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const std::uint64_t dimension : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
  return text + "]";
}

Result<void> check_same_tensor(const Tensor& written, const Tensor& read) {
  if (written.encoding != read.encoding || written.big_endian != read.big_endian)
    return broken("tensor " + quoted(written.name) + " comes back as " + quoted(read.encoding) + ", written as " +
                  quoted(written.encoding));
  if (written.shape != read.shape)
    return broken("tensor " + quoted(written.name) + " comes back with the shape " + text_of(read.shape) +
                  ", written with " + text_of(written.shape));
  return {};
}

Result<Sample> written_sample(const heirloom_plugin& plugin, const Checkpoint& checkpoint, const PlannedLayout& planned) {
  const std::vector<Bytes> contents = random_tensors(checkpoint);
  HEIRLOOM_TRY(const Layout layout, finished_layout(plugin, checkpoint, planned.planned, planned.layout, contents));
  Sample sample;
  sample.name = "own-output";
  sample.owned = materialize(layout, contents);
  for (const auto& [name, bytes] : sample.owned)
    sample.files.emplace(name, bytes);
  sample.primary = sample.files.size() == 1 ? sample.files.begin()->first : std::string();
  return sample;
}

Result<void> read_back(const heirloom_plugin& plugin, const FormatUnderTest& format, const Checkpoint& written,
                       const PlannedLayout& planned) {
  const std::vector<Bytes> contents = random_tensors(written);
  HEIRLOOM_TRY(const Sample sample, written_sample(plugin, written, planned));
  const ViewHost host(sample.files, sample.primary);
  HEIRLOOM_TRY(const auto* table, reader_table(plugin));
  HEIRLOOM_TRY(const Opened opened, open(*table, format.index, host));
  if (!opened.answer.is_ok())
    return broken("the reader refuses what the writer wrote: " + opened.answer.message);
  HEIRLOOM_TRY(const auto buffer, describe(*table, opened.reader.get()));
  HEIRLOOM_TRY(const Checkpoint read, checked_description(format.format, buffer, host));
  if (read.tensors.size() != written.tensors.size())
    return broken(std::to_string(written.tensors.size()) + " tensors were written, " +
                  std::to_string(read.tensors.size()) + " are read back");
  for (std::size_t i = 0; i < written.tensors.size(); ++i) {
    const Tensor& wanted = written.tensors[i];
    const auto found = std::find_if(read.tensors.begin(), read.tensors.end(), [&](const Tensor& tensor) {
      return tensor.name == wanted.name || !format.format.keeps_names;
    });
    if (found == read.tensors.end())
      return broken("tensor " + quoted(wanted.name) + " is lost");
    HEIRLOOM_CHECK(check_same_tensor(wanted, *found));
    const auto number = static_cast<std::uint32_t>(found - read.tensors.begin());
    HEIRLOOM_TRY(const Bytes bytes, read_tensor(plugin, opened.reader.get(), read, number, host));
    if (bytes != contents[i])
      return broken("tensor " + quoted(wanted.name) + " comes back with other bytes");
  }
  return check_same_attrs(written, read);
}

Result<Note> try_synthetic(const heirloom_plugin& plugin, const FormatUnderTest& format, const Synthetic& one) {
  const std::string name = target_name(format.format);
  HEIRLOOM_TRY(const PlannedLayout planned,
               plan_twice(plugin, format, one.checkpoint, {Attr::text("target_name", name)}));
  if (!planned.answer.is_ok()) {
    HEIRLOOM_CHECK(check_refusal(planned.answer, one.expect));
    return Note("refused: " + planned.answer.message);
  }
  if (one.expect == Expect::refused || one.expect == Expect::unsupported)
    return broken("plan accepts what cannot be written");
  if (planned.layout.files.size() == 1 && planned.layout.files[0].name != name)
    return broken("the layout's only file is " + quoted(planned.layout.files[0].name) + ", the user asked for " +
                  quoted(name));
  if (!one.has_bytes)
    return Note{};
  if (format.format.reads)
    HEIRLOOM_CHECK(read_back(plugin, format, one.checkpoint, planned));
  else
    HEIRLOOM_CHECK(written_sample(plugin, one.checkpoint, planned).map([](auto&&) {}));
  // Into a directory the writer chooses the names itself.
  HEIRLOOM_TRY(const PlannedLayout unnamed, plan_twice(plugin, format, one.checkpoint, {}));
  if (unnamed.answer.is_ok() && format.format.reads)
    HEIRLOOM_CHECK(read_back(plugin, format, one.checkpoint, unnamed));
  return Note{};
}

Result<Note> refuse_junk(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  HEIRLOOM_TRY(const auto* table, writer_table(plugin));
  table->destroy(nullptr);
  Dice dice(3);
  const Bytes wanted = encode(typical_checkpoint(format.format));
  std::vector<Bytes> all = {{}, Bytes(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(wanted.size() / 2))};
  for (const std::uint64_t size : {1u, 8u, 64u, 4096u})
    all.push_back(dice.bytes(size));
  for (const Bytes& junk : all) {
    HEIRLOOM_TRY(const Planned planned, plan(*table, format.index, junk, {}));
    if (planned.answer.is_ok())
      return broken("plan takes " + std::to_string(junk.size()) + " bytes of junk for a description");
  }
  HEIRLOOM_TRY(const Planned planned, plan(*table, format.index, wanted, dice.bytes(100)));
  if (planned.answer.is_ok())
    return broken("plan takes random bytes for options");
  return Note{};
}

// A description with changed bytes: refused, or, where it still means something, planned soundly.
Result<Note> survive_damage(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  HEIRLOOM_TRY(const auto* table, writer_table(plugin));
  const Bytes wanted = encode(typical_checkpoint(format.format));
  Dice dice(4);
  std::uint64_t refused = 0;
  constexpr std::uint64_t rounds = 3000;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    Bytes damaged = wanted;
    damaged[dice.below(damaged.size())] = static_cast<std::uint8_t>(dice.next());
    HEIRLOOM_TRY(const Planned planned, plan(*table, format.index, damaged, {}));
    if (!planned.answer.is_ok()) {
      ++refused;
      continue;
    }
    HEIRLOOM_TRY(const Checkpoint understood, decode_checkpoint(damaged));
    if (check_nouns(understood))
      HEIRLOOM_CHECK(checked_layout(understood, planned.bytes).map([](auto&&) {}));
  }
  return Note(std::to_string(refused) + " of " + std::to_string(rounds) + " refused");
}

Result<Note> keep_nothing(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  HEIRLOOM_TRY(const auto* table, writer_table(plugin));
  const Bytes wanted = encode(typical_checkpoint(format.format));
  std::uint64_t live = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 5)
      live = live_bytes();
    HEIRLOOM_CHECK(plan(*table, format.index, wanted, {}).map([](auto&&) {}));
  }
  constexpr std::uint64_t growth_allowed = 16'384;
  if (const std::uint64_t now = live_bytes(); now > live + growth_allowed)
    return broken("95 plans left " + std::to_string(now - live) + " bytes behind");
  return Note{};
}

}  // namespace

SampleSource own_output(const FormatUnderTest& format) {
  return [format](const heirloom_plugin& plugin) -> Result<Sample> {
    const std::vector<Synthetic> all = synthetic_checkpoints(format.format);
    // Several tensors where the format holds several, else one.
    for (const char* name : {"many-tensors", "one-tensor"})
      for (const Synthetic& one : all) {
        if (one.name != name)
          continue;
        HEIRLOOM_TRY(const PlannedLayout planned,
                     plan_twice(plugin, format, one.checkpoint,
                                {Attr::text("target_name", target_name(format.format))}));
        if (planned.answer.is_ok())
          return written_sample(plugin, one.checkpoint, planned);
      }
    return broken("the writer makes no sample");
  };
}

std::vector<Case> writer_cases(const FormatUnderTest& format) {
  std::vector<Case> cases;
  const std::string prefix = format.format.id + "/write/";
  for (const Synthetic& one : synthetic_checkpoints(format.format))
    cases.push_back({prefix + one.name, [format, one](const heirloom_plugin& plugin) {
                       return try_synthetic(plugin, format, one);
                     }});
  cases.push_back({prefix + "junk", [format](const auto& plugin) { return refuse_junk(plugin, format); }});
  cases.push_back({prefix + "damage", [format](const auto& plugin) { return survive_damage(plugin, format); }});
  cases.push_back({prefix + "keeps-nothing", [format](const auto& plugin) { return keep_nothing(plugin, format); }});
  return cases;
}

}  // namespace heirloom::conform
