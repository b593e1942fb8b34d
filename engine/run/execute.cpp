#include "engine/run/execute.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/output.hpp"
#include "engine/base/text.hpp"
#include "engine/run/digest_pool.hpp"
#include "engine/run/feed.hpp"
#include "engine/run/placement_sums.hpp"
#include "engine/run/pieces.hpp"
#include "engine/run/source_digests.hpp"
#include "engine/run/value_digests.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace heirloom::run {
namespace {

using plan::Action;
using plan::Plan;

constexpr std::uint64_t pieces_ahead = 2;
constexpr std::uint64_t disk_block_bytes = 4096;

// Buffers, and how many digests still want what is in them.
struct Slot {
  Buffers buffers;
  std::atomic<std::size_t> holders{0};
};

// Pieces taken in order, each with a free set of buffers. Buffers are handed out before the piece, so the lowest
// unfinished piece always has some, and parked pieces can never starve it.
class Schedule {
 public:
  Schedule(std::size_t slots, std::size_t pieces, std::uint64_t memory_bytes) : slots_(slots), piece_count_(pieces) {
    for (Slot& slot : slots_) {
      slot.buffers.limit_bytes = memory_bytes / slots;
      free_.push_back(&slot);
    }
  }

  struct Turn {
    Slot* slot;
    std::size_t piece;
  };

  bool has_free() {
    const std::lock_guard lock(mutex_);
    return !free_.empty();
  }

  // The next piece, or nothing when all are taken or a worker failed.
  std::optional<Turn> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_stopped_ || next_ == piece_count_ || !free_.empty(); });
    if (is_stopped_ || next_ == piece_count_)
      return std::nullopt;
    Slot* slot = free_.front();
    free_.pop_front();
    return Turn{slot, next_++};
  }

  // One of its holders is done.
  void release(Slot* slot) {
    if (--slot->holders != 0)
      return;
    const std::lock_guard lock(mutex_);
    free_.push_back(slot);
    changed_.notify_one();
  }

  // Of several failures the one of the lowest piece is reported, whatever the threads' timing.
  void stop(std::size_t piece, Error error) {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    if (!error_ || piece < failed_piece_) {
      error_ = std::move(error);
      failed_piece_ = piece;
    }
    changed_.notify_all();
  }

  std::optional<Error> error() const { return error_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Slot> slots_;
  std::deque<Slot*> free_;
  std::size_t next_ = 0;
  std::size_t piece_count_;
  bool is_stopped_ = false;
  std::size_t failed_piece_ = 0;
  std::optional<Error> error_;
};

class Execution {
 public:
  Execution(const Plan& plan, const model::Source& source, const kernels::Kernels& kernels, const base::Log& log, Work work,
            std::size_t slots, std::uint64_t memory_bytes)
      : plan_(plan), source_(source), kernels_(kernels), log_(log), memory_bytes_(memory_bytes), work_(std::move(work)), feed_(pool_, kernels),
        sums_(plan.tensors.size()), places_(plan.tensors.size()), crcs_(plan.layout, work_), schedule_(slots, work_.pieces.size(), memory_bytes) {
    for (const Placement& placement : plan.layout.placements)
      places_[placement.tensor] = &placement;
    for (std::size_t i = 0; i < plan.tensors.size(); ++i)
      digests_.push_back(pool_.add());
  }

  void digest_sources(std::span<const arch::MappedTensor> canonical) {
    const auto parts = ordered_parts(source_, work_);
    sources_.emplace(plan_, source_, work_).add_to(feed_, pool_, parts);
    values_.emplace(canonical, plan_, source_, work_, kernels_).add_to(feed_, pool_, parts);
  }

  Result<void> add_files(base::Output& output) {
    for (const std::string& name : plan_.record_files)
      HEIRLOOM_CHECK(output.check_free(name));
    for (const File& file : plan_.layout.files) {
      HEIRLOOM_TRY(const base::OutputFile* added, output.add(file.name, file.size));
      files_.push_back(added);
    }
    for (const Literal& literal : plan_.layout.literals)
      HEIRLOOM_CHECK(files_[literal.file]->write(literal.offset, literal.bytes));
    for (std::uint32_t i = 0; i < plan_.tensors.size(); ++i) {
      const plan::PlanTensor& tensor = plan_.tensors[i];
      if (tensor.action != Action::literal)
        continue;
      HEIRLOOM_CHECK(files_[places_[i]->file]->write(places_[i]->offset, tensor.literal));
      pool_.submit(digests_[i], 0, tensor.literal, [] {});
      crcs_.add_literal(i, tensor.literal);
      done_ += tensor.literal.size();
    }
    return {};
  }

  Result<void> run(std::size_t threads) {
    feed_.settle(work_.pieces.size());
    base::run_workers(std::min(threads, std::max<std::size_t>(1, work_.pieces.size())), [&](std::size_t) {
      while (const auto turn = next_turn()) {
        if (auto done = process(*turn); !done)
          schedule_.stop(turn->piece, std::move(done).error().at_tensor(tensor_of(turn->piece).name));
        pool_.work(false);
      }
      pool_.work(true);
    });
    if (auto error = schedule_.error())
      return fail(std::move(*error));
    return {};
  }

  // What completes the files, and what the container says of the tensors' bytes, once all are there.
  Result<void> finish(const ExecuteOptions& options, const Outcome& outcome, base::Output& output) {
    HEIRLOOM_CHECK(source_.finish_checks());
    if (options.complete)
      HEIRLOOM_CHECK(options.complete(outcome, {output, files_}));
    if (plan_.layout.checksum.empty())
      return {};
    if (!options.finish)
      return fail(Code::misuse, "the layout wants checksums, but nobody to give them to");
    HEIRLOOM_TRY(const std::vector<Literal> literals, options.finish(crcs_.of_placements(plan_.layout)));
    for (const Literal& literal : literals)
      HEIRLOOM_CHECK(files_[literal.file]->write(literal.offset, literal.bytes));
    return {};
  }

  Result<Outcome> outcome(bool measures_errors, std::size_t threads) {
    Outcome outcome;
    for (DigestPool::Stream* digest : digests_)
      outcome.digests.push_back(pool_.finish(digest));
    outcome.bytes_written = done_;
    if (measures_errors)
      for (std::size_t i = 0; i < sums_.size(); ++i)
        outcome.statistics.push_back(statistics(i));
    if (sources_) {
      HEIRLOOM_TRY(outcome.sources, sources_->finish(outcome.digests, pool_, threads, log_));
      HEIRLOOM_TRY(outcome.values, values_->finish(outcome.sources, pool_, threads, memory_bytes_, log_));
    }
    return outcome;
  }

 private:
  // Who would wait for buffers digests what holds them.
  std::optional<Schedule::Turn> next_turn() {
    if (!schedule_.has_free())
      pool_.work(true);
    return schedule_.take();
  }

  const plan::PlanTensor& tensor_of(std::size_t piece) const { return plan_.tensors[work_.pieces[piece].tensor]; }

  Result<void> process(const Schedule::Turn& turn) {
    if (log_.cancelled())
      return fail(Code::cancelled, "stopped by the user");
    const Piece& piece = work_.pieces[turn.piece];
    const Producer& producer = *work_.producers[piece.tensor];
    if (turn.piece + pieces_ahead < work_.pieces.size()) {
      const Piece& ahead = work_.pieces[turn.piece + pieces_ahead];
      work_.producers[ahead.tensor]->will_need(ahead.first, ahead.count);
    }
    Slot* const slot = turn.slot;
    HEIRLOOM_TRY(const auto bytes, producer.produce(piece.first, piece.count, slot->buffers));
    const Placement& place = *places_[piece.tensor];
    const std::uint64_t offset = place.offset + producer.output_offset(piece.first);
    const base::OutputFile& file = *files_[place.file];
    if (tensor_of(turn.piece).action == Action::copy)
      HEIRLOOM_CHECK(copy(piece, producer, bytes, file, offset));
    else
      HEIRLOOM_CHECK(file.write(offset, bytes));
    file.write_behind(offset, bytes.size());
    crcs_.add(turn.piece, bytes);
    const std::uint64_t size = bytes.size();
    const auto sums = producer.is_measured() ? producer.measure(piece.first, piece.count, slot->buffers)
                                             : std::span<const encoding::ErrorSums>();
    slot->holders = 1 + feed_.count(turn.piece);
    feed_.submit(turn.piece, slot->buffers, [this, slot] { schedule_.release(slot); });
    pool_.submit(digests_[piece.tensor], piece.index, bytes, [this, sums, tensor = piece.tensor, slot] {
      for (const encoding::ErrorSums& chunk : sums)
        sums_[tensor].add(chunk);
      schedule_.release(slot);
    });
    log_.report(done_ += size, work_.output_bytes);
    return {};
  }

  std::optional<encoding::ErrorStatistics> statistics(std::size_t tensor) const {
    const auto& producer = work_.producers[tensor];
    if (!producer || !producer->is_measured())
      return std::nullopt;
    return encoding::statistics_of(sums_[tensor], producer->elements());
  }

  // An unchanged piece goes from file to file in the system, run by run and extent by extent.
  Result<void> copy(const Piece& piece, const Producer& producer, std::span<const std::uint8_t> bytes, const base::OutputFile& file,
                    std::uint64_t offset) const {
    for (const arch::Box& box : plan_.tensors[piece.tensor].arrangement.boxes)
      for (const arch::Box& run : arch::clip(box, piece.first, piece.count)) {
        const std::uint64_t at = producer.output_offset(run.output_offset - piece.first);
        HEIRLOOM_CHECK(copy_run(run.source, producer.output_offset(run.source_offset),
                                bytes.subspan(at, producer.output_offset(run.elements())), file, offset + at));
      }
    return {};
  }

  // What lies alike in its blocks on disk the file system may share; the rest is written as it was read.
  Result<void> copy_run(std::uint32_t source, std::uint64_t skip, std::span<const std::uint8_t> bytes, const base::OutputFile& file,
                        std::uint64_t offset) const {
    const Tensor& tensor = source_.checkpoint.tensors[source];
    for (const Extent& extent : tensor.extents) {
      if (skip >= extent.size) {
        skip -= extent.size;
        continue;
      }
      const auto part = bytes.first(std::min(bytes.size(), extent.size - skip));
      const std::uint64_t from = extent.offset + skip;
      if (from % disk_block_bytes == offset % disk_block_bytes) {
        HEIRLOOM_TRY(const int descriptor, source_.files->descriptor(source_.checkpoint.files[extent.file].name));
        HEIRLOOM_CHECK(file.copy_from(descriptor, from, offset, part.size()));
      } else {
        HEIRLOOM_CHECK(file.write(offset, part));
      }
      offset += part.size();
      bytes = bytes.subspan(part.size());
      skip = 0;
      if (bytes.empty())
        break;
    }
    return {};
  }

  const Plan& plan_;
  const model::Source& source_;
  const kernels::Kernels& kernels_;
  const base::Log& log_;
  const std::uint64_t memory_bytes_;
  Work work_;
  DigestPool pool_;
  Feed feed_;
  std::vector<DigestPool::Stream*> digests_;  // of the plan's tensors
  std::vector<encoding::ErrorSums> sums_;  // of what each digest has taken, in the same order
  std::vector<const Placement*> places_;
  std::vector<const base::OutputFile*> files_;
  std::optional<SourceDigests> sources_;
  std::optional<ValueDigests> values_;
  PlacementSums crcs_;
  Schedule schedule_;
  std::atomic<std::uint64_t> done_{0};
};

Result<std::vector<std::string>> displace_files(const Plan& plan, base::Output& output) {
  std::vector<std::string> displaced;
  for (const std::string& name : plan.displaced_files) {
    HEIRLOOM_TRY(const bool is_there, output.displace(name));
    if (is_there)
      displaced.push_back(name);
  }
  return displaced;
}

Result<void> write_side_files(const Plan& plan, const model::Source& source, base::Output& output) {
  for (const plan::SideFile& file : plan.side_files) {
    if (file.copied_from.empty()) {
      HEIRLOOM_TRY(const base::OutputFile* added, output.add(file.name, file.bytes.size()));
      HEIRLOOM_CHECK(added->write(0, file.bytes));
      continue;
    }
    HEIRLOOM_TRY(const std::uint64_t size, source.files->size(file.copied_from));
    HEIRLOOM_TRY(const int descriptor, source.files->descriptor(file.copied_from));
    HEIRLOOM_TRY(const base::OutputFile* added, output.add(file.name, size));
    HEIRLOOM_CHECK(added->copy_from(descriptor, 0, 0, size));
  }
  return {};
}

}  // namespace

Result<Outcome> execute(const Plan& plan, const model::Source& source, const std::filesystem::path& target,
                        const ExecuteOptions& options, const base::Log& log) {
  const kernels::Kernels* kernels = kernels::chosen();
  if (kernels == nullptr)
    return fail(Code::misuse, "HEIRLOOM_ISA names an instruction set that this machine does not have");
  if (options.memory_bytes < min_memory_bytes)
    return fail(Code::misuse, "--memory must be at least " + base::human_bytes(min_memory_bytes));
  const std::size_t threads = options.threads == 0 ? base::default_threads() : options.threads;
  const std::size_t slots = 2 * threads + 1;
  HEIRLOOM_TRY(Work work, make_work(plan, source, *kernels, slots, options.memory_bytes, options.measures_errors));
  using Kind = base::Output::Kind;
  HEIRLOOM_TRY(const auto output,
               base::Output::create(target, options.is_directory ? Kind::directory : Kind::file, options.force));
  Execution execution(plan, source, *kernels, log, std::move(work), slots, options.memory_bytes);
  if (options.digests_sources)
    execution.digest_sources(options.canonical);
  HEIRLOOM_TRY(std::vector<std::string> displaced, displace_files(plan, *output));
  HEIRLOOM_CHECK(execution.add_files(*output));
  HEIRLOOM_CHECK(execution.run(threads));
  HEIRLOOM_CHECK(write_side_files(plan, source, *output));
  HEIRLOOM_TRY(Outcome outcome, execution.outcome(options.measures_errors, threads));
  HEIRLOOM_CHECK(execution.finish(options, outcome, *output));
  HEIRLOOM_CHECK(output->commit());
  outcome.displaced = std::move(displaced);
  return outcome;
}

}  // namespace heirloom::run
