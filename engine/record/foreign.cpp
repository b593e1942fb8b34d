#include "engine/record/foreign.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/planner.hpp"
#include "engine/run/spread.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <set>

namespace heirloom::record {
namespace {

constexpr std::uint64_t good_piece_elements = 1u << 18;
constexpr std::uint64_t bytes_per_element = 48;  // of all buffers of a worker
constexpr std::uint64_t sample_elements = 8192;  // at each of three places
constexpr std::string_view importance_prefix = "quantize.imatrix.";

std::span<const std::uint64_t> without_leading_ones(std::span<const std::uint64_t> shape) {
  while (!shape.empty() && shape.front() == 1)
    shape = shape.subspan(1);
  return shape;
}

// What a way came to. `why` is said where it leads nowhere.
struct Attempt {
  std::size_t way = 0;
  Tally tally = {};
  std::string why = {};
};

// A tensor that both have, in the making.
struct Work {
  std::size_t result;                       // in Foreign::tensors
  Trial trial;
  std::vector<Attempt> candidates = {};     // the best of the sample, all alike; none where nothing of it came out
  std::size_t tried = 0;                    // of them, over the whole tensor
};

struct Piece {
  std::size_t work = 0;
  std::uint64_t first = 0, count = 0;
};

class Comparison {
 public:
  Comparison(const model::Source& theirs, const model::Source& source, const ForeignOptions& options, const base::Log& log)
      : theirs_(theirs), source_(source), options_(options), log_(log),
        threads_(options.threads == 0 ? base::default_threads() : options.threads), buffers_(threads_) {
    piece_ = std::clamp<std::uint64_t>(options.memory_bytes / threads_ / bytes_per_element, 1024, good_piece_elements);
  }

  // `tensors` outlive the comparison.
  Result<std::vector<MadeTensor>> run(const std::vector<plan::PlanTensor>& tensors) {
    HEIRLOOM_CHECK(pair_up(tensors));
    HEIRLOOM_CHECK(run::spread(threads_, works_.size(), log_, [&](std::size_t i, std::size_t worker) { return sample(works_[i], worker); }));
    for (auto open = open_works(); !open.empty(); open = open_works())
      HEIRLOOM_CHECK(compare_whole(open));
    HEIRLOOM_CHECK(measure());
    HEIRLOOM_CHECK(source_.finish_checks());
    HEIRLOOM_CHECK(theirs_.finish_checks());
    return std::move(results_);
  }

 private:
  Result<void> pair_up(const std::vector<plan::PlanTensor>& tensors) {
    const kernels::Kernels* kernels = kernels::chosen();
    if (kernels == nullptr)
      return fail(Code::misuse, "HEIRLOOM_ISA names an instruction set that this machine does not have");
    if (options_.memory_bytes < run::min_memory_bytes)
      return fail(Code::misuse, "--memory must be at least " + base::human_bytes(run::min_memory_bytes));
    std::map<std::string_view, const plan::PlanTensor*> by_name;
    for (const plan::PlanTensor& tensor : tensors)
      by_name.emplace(tensor.name, &tensor);
    for (std::uint32_t i = 0; i < theirs_.checkpoint.tensors.size(); ++i) {
      const Tensor& other = theirs_.checkpoint.tensors[i];
      MadeTensor result{other.name, Made::not_in_source, "", other.encoding, {}, other.shape};
      const auto found = by_name.find(other.name);
      if (found != by_name.end()) {
        HEIRLOOM_CHECK(add_pair(*found->second, i, result, *kernels));
        by_name.erase(found);
      }
      results_.push_back(std::move(result));
    }
    for (const plan::PlanTensor& tensor : tensors)
      if (by_name.contains(tensor.name))
        results_.push_back({tensor.name, Made::not_in_file, tensor.encoding, "", tensor.shape, {}});
    return {};
  }

  Result<void> add_pair(const plan::PlanTensor& tensor, std::uint32_t index, MadeTensor& result, const kernels::Kernels& kernels) {
    result.from = tensor.encoding;
    result.from_shape = tensor.shape;
    if (!std::ranges::equal(without_leading_ones(tensor.shape), without_leading_ones(result.shape))) {
      result.verdict = Made::other_shape;
      return {};
    }
    result.verdict = Made::different;
    auto trial = Trial::create(source_, tensor, theirs_, index, importance_of(tensor.name), kernels);
    if (!trial)
      return fail(std::move(trial).error().at_tensor(tensor.name));
    result.why = trial->why_not();
    works_.push_back({results_.size(), std::move(*trial)});
    return {};
  }

  std::span<const float> importance_of(const std::string& name) const {
    if (options_.importance == nullptr)
      return {};
    const auto found = options_.importance->entries.find(name);
    return found == options_.importance->entries.end() ? std::span<const float>() : std::span<const float>(found->second);
  }

  // One piece by one way. A number that the encoding does not hold is an answer, too.
  Result<void> attempt(const Work& work, std::uint64_t first, std::uint64_t count, std::size_t worker, Attempt& attempt) {
    auto tally = work.trial.compare(attempt.way, first, count, buffers_[worker]);
    if (!tally && tally.error().code != Code::misuse)
      return fail(std::move(tally).error().at_tensor(results_[work.result].name));
    if (!tally)
      attempt.why = tally.error().message;
    attempt.tally.add(tally.value_or(Tally{count, count, first}));
    return {};
  }

  // Few elements by every way: those that make most of them as they are go on.
  Result<void> sample(Work& work, std::size_t worker) {
    const std::uint64_t all = work.trial.elements(), count = std::min(work.trial.piece_elements(sample_elements), all);
    if (all == 0) {
      results_[work.result].verdict = Made::exact;
      return {};
    }
    const std::uint64_t pieces = (all + count - 1) / count;
    std::vector<Attempt> attempts;
    for (std::size_t way = 0; way < work.trial.ways().size(); ++way) {
      Attempt& made = attempts.emplace_back(Attempt{way});
      for (const std::uint64_t piece : std::set<std::uint64_t>{0, pieces / 2, pieces - 1})
        HEIRLOOM_CHECK(attempt(work, piece * count, std::min(count, all - piece * count), worker, made));
    }
    std::stable_sort(attempts.begin(), attempts.end(),
                     [](const Attempt& a, const Attempt& b) { return a.tally.differing < b.tally.differing; });
    if (attempts.empty())
      return {};
    const Tally& best = attempts.front().tally;
    note(work, attempts.front());
    std::copy_if(attempts.begin(), attempts.end(), std::back_inserter(work.candidates),
                 [&](const Attempt& made) { return made.tally.differing == best.differing && best.differing < best.blocks; });
    return {};
  }

  void note(const Work& work, const Attempt& attempt) {
    MadeTensor& result = results_[work.result];
    result.way = work.trial.ways()[attempt.way];
    result.tally = attempt.tally;
    result.why = attempt.why;
  }

  std::vector<std::size_t> open_works() const {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < works_.size(); ++i)
      if (results_[works_[i].result].verdict != Made::exact && works_[i].tried < works_[i].candidates.size())
        open.push_back(i);
    return open;
  }

  std::vector<Piece> pieces_of(std::span<const std::size_t> works) const {
    std::vector<Piece> pieces;
    for (const std::size_t i : works) {
      const std::uint64_t all = works_[i].trial.elements(), step = works_[i].trial.piece_elements(piece_);
      for (std::uint64_t first = 0; first < all; first += step)
        pieces.push_back({i, first, std::min(step, all - first)});
    }
    return pieces;
  }

  // The next candidate of each over the whole tensor.
  Result<void> compare_whole(std::span<const std::size_t> open) {
    const std::vector<Piece> pieces = pieces_of(open);
    std::vector<Attempt> attempts;
    std::uint64_t total = 0;
    for (const Piece& piece : pieces) {
      attempts.push_back({works_[piece.work].candidates[works_[piece.work].tried].way});
      total += piece.count;
    }
    std::atomic<std::uint64_t> done{0};
    HEIRLOOM_CHECK(run::spread(threads_, pieces.size(), log_, [&](std::size_t i, std::size_t worker) -> Result<void> {
      const Piece& piece = pieces[i];
      HEIRLOOM_CHECK(attempt(works_[piece.work], piece.first, piece.count, worker, attempts[i]));
      log_.report(done += piece.count, total);
      return {};
    }));
    std::map<std::size_t, Attempt> whole;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      Attempt& sum = whole.try_emplace(pieces[i].work, Attempt{attempts[i].way}).first->second;
      sum.tally.add(attempts[i].tally);
      if (sum.why.empty())
        sum.why = attempts[i].why;
    }
    for (const auto& [i, attempt] : whole) {
      MadeTensor& result = results_[works_[i].result];
      if (works_[i].tried++ == 0 || attempt.tally.differing < result.tally.differing)
        note(works_[i], attempt);
      if (attempt.tally.differing == 0)
        result.verdict = Made::exact;
    }
    return {};
  }

  // How far those are off that are not exact.
  Result<void> measure() {
    std::vector<std::size_t> off;
    for (std::size_t i = 0; i < works_.size(); ++i)
      if (results_[works_[i].result].verdict != Made::exact)
        off.push_back(i);
    const std::vector<Piece> pieces = pieces_of(off);
    std::vector<std::optional<encoding::ErrorSums>> sums(pieces.size());
    HEIRLOOM_CHECK(run::spread(threads_, pieces.size(), log_, [&](std::size_t i, std::size_t worker) -> Result<void> {
      HEIRLOOM_TRY(sums[i], works_[pieces[i].work].trial.measure(pieces[i].first, pieces[i].count, buffers_[worker]));
      return {};
    }));
    std::map<std::size_t, encoding::ErrorSums> whole;
    for (std::size_t i = 0; i < pieces.size(); ++i)
      if (sums[i])
        whole[pieces[i].work].add(*sums[i]);
    for (const auto& [i, sum] : whole)
      results_[works_[i].result].error = encoding::statistics_of(sum, works_[i].trial.elements());
    return {};
  }

  const model::Source& theirs_;
  const model::Source& source_;
  const ForeignOptions& options_;
  const base::Log& log_;
  std::size_t threads_;
  std::vector<TrialBuffers> buffers_;
  std::uint64_t piece_ = 0;
  std::vector<MadeTensor> results_;
  std::vector<Work> works_;
};

// A GGUF whose keys are gone is still known by its names.
plan::Ecosystem ecosystem_of(const model::Source& theirs) {
  const plan::Ecosystem known = plan::ecosystem_of(theirs);
  const auto& tensors = theirs.checkpoint.tensors;
  const bool has_names = std::any_of(tensors.begin(), tensors.end(), [](const Tensor& tensor) {
    return tensor.name == "token_embd.weight" || tensor.name.starts_with("blk.");
  });
  return known == plan::Ecosystem::none && has_names ? plan::Ecosystem::gguf : known;
}

}  // namespace

Result<Foreign> compare_foreign(const model::Source& theirs, const model::Source& source, const arch::Maps& maps,
                                const ForeignOptions& options, const base::Log& log) {
  const plan::Ecosystem from = plan::ecosystem_of(source), other = ecosystem_of(theirs);
  const plan::Ecosystem shown = from == plan::Ecosystem::none || other == plan::Ecosystem::none ? from : other;
  HEIRLOOM_TRY(const auto tensors, plan::tensors_in(source, maps, shown));
  Foreign foreign;
  HEIRLOOM_TRY(foreign.tensors, Comparison(theirs, source, options, log).run(tensors));
  foreign.recipe = match_recipe(tensors, theirs, from == plan::Ecosystem::gguf);
  foreign.is_exact = std::all_of(foreign.tensors.begin(), foreign.tensors.end(),
                                 [](const MadeTensor& tensor) { return tensor.verdict == Made::exact; });
  foreign.has_importance_keys = std::any_of(theirs.checkpoint.attrs.begin(), theirs.checkpoint.attrs.end(),
                                            [](const Attr& attr) { return attr.key.starts_with(importance_prefix); });
  return foreign;
}

}  // namespace heirloom::record
