#include "engine/record/reproduce.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/planner.hpp"
#include "engine/record/receipt_plan.hpp"
#include "engine/run/digest_pool.hpp"
#include "engine/run/pieces.hpp"
#include "engine/run/spread.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <random>

namespace heirloom::record {
namespace {

// Pieces are made by batches; a batch's digests are finished before its buffers are used again.
constexpr std::size_t pieces_per_thread = 4;

class Replaying {
 public:
  Replaying(const std::vector<provenance::Receipt>& receipts, const Checkpoint& written, const model::Source& source,
            const ReplayOptions& options, const base::Log& log)
      : receipts_(receipts), written_(written), source_(source), options_(options), log_(log),
        threads_(options.threads == 0 ? base::default_threads() : options.threads) {}

  Result<std::vector<Replayed>> run() {
    const kernels::Kernels* kernels = kernels::chosen();
    if (kernels == nullptr)
      return fail(Code::misuse, "HEIRLOOM_ISA names an instruction set that this machine does not have");
    if (options_.memory_bytes < run::min_memory_bytes)
      return fail(Code::misuse, "--memory must be at least " + base::human_bytes(run::min_memory_bytes));
    add_plans(*kernels);
    const std::size_t slots = pieces_per_thread * threads_;
    HEIRLOOM_TRY(const run::Work work, run::make_work(plan_, source_, *kernels, slots, options_.memory_bytes, false));
    buffers_ = std::vector<run::Buffers>(slots);
    for (run::Buffers& buffers : buffers_)
      buffers.limit_bytes = options_.memory_bytes / slots;
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i)
      digests_.push_back(pool_.add());
    failures_.resize(work.pieces.size());
    for (std::size_t first = 0; first < work.pieces.size(); first += slots)
      HEIRLOOM_CHECK(make_batch(work, first, std::min(slots, work.pieces.size() - first)));
    HEIRLOOM_CHECK(source_.finish_checks());
    conclude(work);
    return std::move(results_);
  }

 private:
  // Results of the receipts that are replayed; those that can be are in the plan, too.
  void add_plans(const kernels::Kernels& kernels) {
    const TensorNames written = names_of(written_), sources = names_of(source_.checkpoint);
    for (const std::size_t i : chosen()) {
      const provenance::Receipt& receipt = receipts_[i];
      Replayed& result = results_.emplace_back(Replayed{receipt.out->name, i + 1});
      const auto found = written.find(receipt.out->name);
      if (found == written.end()) {
        result.verdict = Replay::wrong;
        result.why = "the checkpoint has no such tensor";
        continue;
      }
      const Tensor& tensor = written_.tensors[found->second];
      Encoding encoding;
      auto made = plan_of(receipt, {&source_.checkpoint, &sources, written_.find_encoding(tensor.encoding), tensor.shape, options_.importance},
                          encoding);
      const auto checked = made ? check_makes(*made, encoding, kernels) : Result<void>(fail(Error(made.error())));
      if (!checked) {
        const Code code = checked.error().code;
        result.verdict = code == Code::misuse || code == Code::unsupported ? Replay::not_possible : Replay::wrong;
        result.why = checked.error().message;
        continue;
      }
      plan_.target.use_encoding(encoding);
      plan_.tensors.push_back(std::move(*made));
      result_of_.push_back(results_.size() - 1);
    }
  }

  // That there is an encoder, and that it has what it needs.
  Result<void> check_makes(const plan::PlanTensor& tensor, const Encoding& encoding, const kernels::Kernels& kernels) {
    if (tensor.action == plan::Action::literal)
      return check_literal(tensor);
    HEIRLOOM_TRY(const run::Producer producer, run::Producer::create(source_, tensor, encoding, kernels));
    const encoding::Codec* codec = encoding::find_codec(encoding.id);
    const bool is_encoded = producer.source_encoding().id != encoding.id &&
                            encoding::find_repack(producer.source_encoding().id, encoding.id) == nullptr;
    if (is_encoded && codec->kind != encoding::Kind::integer && codec->encode == nullptr && !producer.is_weighted())
      return fail(Code::malformed, base::quoted(encoding.id) + " is not made without an importance matrix");
    return {};
  }

  // Bytes that a receipt holds itself show nothing of the source, unless its family's map computes the same.
  Result<void> check_literal(const plan::PlanTensor& tensor) {
    if (options_.maps == nullptr)
      return {};
    if (!computed_) {
      auto tensors = plan::tensors_in(source_, *options_.maps, plan::Ecosystem::gguf);
      computed_ = tensors ? std::move(*tensors) : std::vector<plan::PlanTensor>();
    }
    const bool is_computed = std::any_of(computed_->begin(), computed_->end(), [&](const plan::PlanTensor& known) {
      return known.action == plan::Action::literal && known.name == tensor.name && known.encoding == tensor.encoding && known.literal == tensor.literal;
    });
    if (!is_computed)
      return fail(Code::unsupported, "it holds the bytes themselves, and no architecture map computes them from the source's configuration");
    return {};
  }

  // Receipts of tensors, or a sample of them, in order.
  std::vector<std::size_t> chosen() const {
    std::vector<std::size_t> all, some;
    for (std::size_t i = 0; i < receipts_.size(); ++i)
      if (receipts_[i].out)
        all.push_back(i);
    if (options_.sample == 0 || options_.sample >= all.size())
      return all;
    std::sample(all.begin(), all.end(), std::back_inserter(some), options_.sample, std::mt19937_64(options_.seed));
    return some;
  }

  Result<void> make_batch(const run::Work& work, std::size_t first, std::size_t count) {
    HEIRLOOM_CHECK(make_pieces(work, first, count));
    return run::spread(threads_, threads_, log_, [&](std::size_t, std::size_t) -> Result<void> {
      pool_.work(true);
      return {};
    });
  }

  Result<void> make_pieces(const run::Work& work, std::size_t first, std::size_t count) {
    return run::spread(threads_, count, log_, [&](std::size_t i, std::size_t) -> Result<void> {
      const run::Piece& piece = work.pieces[first + i];
      const plan::PlanTensor& tensor = plan_.tensors[piece.tensor];
      const auto& boxes = tensor.arrangement.boxes;
      if (boxes.size() > 1 && !is_covered(boxes, piece.first, piece.count)) {
        failures_[first + i] = "its boxes overlap";
        return {};
      }
      const auto bytes = work.producers[piece.tensor]->produce(piece.first, piece.count, buffers_[i]);
      if (!bytes && bytes.error().code == Code::misuse) {
        failures_[first + i] = bytes.error().message;
        return {};
      }
      if (!bytes)
        return fail(Error(bytes.error()).at_tensor(tensor.name));
      pool_.submit(digests_[piece.tensor], piece.index, *bytes, [] {});
      pool_.work(false);
      log_.report(done_ += bytes->size(), work.output_bytes);
      return {};
    });
  }

  void conclude(const run::Work& work) {
    std::vector<std::string> failures(plan_.tensors.size());
    for (std::size_t i = 0; i < work.pieces.size(); ++i)
      if (failures[work.pieces[i].tensor].empty())
        failures[work.pieces[i].tensor] = failures_[i];
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      Replayed& result = results_[result_of_[i]];
      if (!failures[i].empty()) {
        result.verdict = Replay::wrong;
        result.why = failures[i];
        continue;
      }
      const bool is_literal = plan_.tensors[i].action == plan::Action::literal;
      const base::Digest digest = is_literal ? base::sha256(plan_.tensors[i].literal) : pool_.finish(digests_[i]);
      result.verdict = digest == *receipts_[result.line - 1].out->raw ? Replay::same : Replay::different;
    }
  }

  const std::vector<provenance::Receipt>& receipts_;
  const Checkpoint& written_;
  const model::Source& source_;
  const ReplayOptions& options_;
  const base::Log& log_;
  std::size_t threads_;
  std::vector<Replayed> results_;
  std::optional<std::vector<plan::PlanTensor>> computed_;  // of the source as GGUF, once a literal asks for it
  plan::Plan plan_;                        // of tensors alone
  std::vector<std::size_t> result_of_;     // parallel to its tensors
  std::vector<run::Buffers> buffers_;
  run::DigestPool pool_;
  std::vector<run::DigestPool::Stream*> digests_;  // parallel to the plan's tensors
  std::vector<std::string> failures_;      // parallel to the pieces
  std::atomic<std::uint64_t> done_{0};
};

}  // namespace

Result<std::vector<Replayed>> replay(const std::vector<provenance::Receipt>& receipts, const Checkpoint& written,
                                     const model::Source& source, const ReplayOptions& options, const base::Log& log) {
  return Replaying(receipts, written, source, options, log).run();
}

}  // namespace heirloom::record
