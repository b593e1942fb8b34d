#include "engine/record/identify.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/canonical.hpp"
#include "engine/plan/view.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/run/pieces.hpp"
#include "engine/run/spread.hpp"
#include "engine/run/tensor_digest.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <list>
#include <numeric>

namespace heirloom::record {
namespace {

using Wanted = run::TensorDigest::Wanted;

// Fits the second-level cache with what is made of it.
constexpr std::uint64_t good_piece_bytes = 128u << 10;
constexpr std::uint64_t pieces_ahead = 16;

// A tensor of the canonical view that is a run of elements of a stored one: its numbers ride along when that is read.
struct Rider {
  std::uint64_t begin = 0, end = 0;
  std::size_t canonical = 0;
};

// Bytes that are read in order: a stored tensor, or one of the canonical view whose elements lie elsewhere in it.
struct Job {
  plan::PlanTensor tensor;   // the producer keeps its address
  std::optional<run::Producer> producer = {};
  Wanted wanted = Wanted::both;
  std::vector<Rider> riders = {};
  std::uint64_t piece = 0;   // elements
  std::uint64_t bytes = 0;
  std::uint64_t cost = 0;
  base::Digest raw = {};
  std::optional<run::Values> values = {};
};

struct CanonicalTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::size_t job = 0;                  // that has its values, where no rider has
  std::optional<run::Values> values = {};
};

// Digests of a job's riders, each alive from its first element to its last.
class RidersDigest {
 public:
  RidersDigest(Job& job, const kernels::Kernels& kernels, std::vector<CanonicalTensor>& canonical)
      : job_(job), kernels_(kernels), canonical_(canonical) {
    std::sort(job.riders.begin(), job.riders.end(), [](const Rider& a, const Rider& b) { return a.begin < b.begin; });
  }

  // Elements from number `first` on.
  void add(std::uint64_t first, std::span<const std::uint8_t> bytes) {
    if (job_.riders.empty())
      return;
    const std::uint64_t width = job_.producer->output_offset(1), last = first + bytes.size() / width;
    while (next_ < job_.riders.size() && job_.riders[next_].begin < last)
      alive_.push_back({job_.riders[next_++], run::TensorDigest(kernels_, job_.tensor.encoding, Wanted::values)});
    for (Alive& one : alive_) {
      const std::uint64_t begin = std::max(one.rider.begin, first), end = std::min(one.rider.end, last);
      one.digest.add(bytes.subspan((begin - first) * width, (end - begin) * width));
      if (end != one.rider.end)
        continue;
      one.digest.raw();
      canonical_[one.rider.canonical].values = one.digest.values();
    }
    std::erase_if(alive_, [&](const Alive& one) { return one.rider.end <= last; });
  }

 private:
  struct Alive {
    Rider rider;
    run::TensorDigest digest;
  };
  Job& job_;
  const kernels::Kernels& kernels_;
  std::vector<CanonicalTensor>& canonical_;
  std::size_t next_ = 0;
  std::list<Alive> alive_;
};

class Identification {
 public:
  Identification(const model::Source& source, const IdentifyOptions& options, const kernels::Kernels& kernels, const base::Log& log)
      : source_(source), kernels_(kernels), log_(log), with_values_(options.with_values),
        threads_(options.threads == 0 ? base::default_threads() : options.threads), buffer_bytes_(options.memory_bytes / threads_) {}

  Result<void> prepare(const arch::Maps& maps) {
    for (std::uint32_t i = 0; i < source_.checkpoint.tensors.size(); ++i) {
      const Tensor& tensor = source_.checkpoint.tensors[i];
      HEIRLOOM_CHECK(add_job({tensor.name, tensor.encoding, tensor.shape, plan::Action::copy, arch::whole(i, tensor.shape)},
                             with_values_ ? Wanted::both : Wanted::raw));
    }
    if (!with_values_) {
      why_no_view_ = "values were not asked for";
      return {};
    }
    plan::CanonicalView view = plan::canonical_view(source_, maps);
    why_no_view_ = std::move(view.why_not);
    for (arch::MappedTensor& tensor : view.tensors)
      HEIRLOOM_CHECK(add_canonical(std::move(tensor)));
    return {};
  }

  // The largest first, so that no thread is left alone with one at the end.
  Result<void> run() {
    std::vector<std::size_t> order(jobs_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (Job& job : jobs_) {
      job.cost = job.bytes;
      for (const Rider& rider : job.riders)
        job.cost += (rider.end - rider.begin) * 4;
      total_bytes_ += job.bytes;
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return jobs_[a].cost > jobs_[b].cost; });
    std::vector<run::Buffers> buffers(threads_);
    for (run::Buffers& one : buffers)
      one.limit_bytes = buffer_bytes_;
    HEIRLOOM_CHECK(run::spread(threads_, order.size(), log_, [&](std::size_t at, std::size_t worker) -> Result<void> {
      Job& job = jobs_[order[at]];
      if (auto done = digest(job, buffers[worker]); !done)
        return fail(std::move(done).error().at_tensor(job.tensor.name));
      return {};
    }));
    return source_.finish_checks();
  }

  Identity identity() const {
    Identity made;
    std::vector<provenance::NamedDigest> stored, valued;
    std::vector<base::Digest> set;
    for (std::size_t i = 0; i < source_.checkpoint.tensors.size(); ++i) {
      const Tensor& tensor = source_.checkpoint.tensors[i];
      const Job& job = jobs_[i];
      TensorIdentity& one = made.tensors.emplace_back(TensorIdentity{tensor.name, tensor.encoding, tensor.shape, job.raw});
      one.digest = provenance::tensor_digest(tensor.encoding, tensor.shape, job.raw);
      if (job.values)
        set.push_back(*(one.value = provenance::value_digest(job.values->value_class, tensor.shape, job.values->canonical)));
      stored.push_back({tensor.name, one.digest});
    }
    made.stored_root = provenance::named_root(std::move(stored));
    made.metadata_root = provenance::metadata_root(source_.checkpoint.attrs);
    if (with_values_ && set.size() == made.tensors.size())
      made.value_set_root = provenance::set_root(std::move(set));
    made.why_no_value_root = why_no_view_;
    for (const CanonicalTensor& tensor : canonical_) {
      const run::Values& values = tensor.values ? *tensor.values : *jobs_[tensor.job].values;
      valued.push_back({tensor.name, provenance::value_digest(values.value_class, tensor.shape, values.canonical)});
    }
    if (why_no_view_.empty())
      made.value_root = provenance::named_root(std::move(valued));
    return made;
  }

 private:
  Result<void> add_job(plan::PlanTensor tensor, Wanted wanted) {
    Job& job = jobs_.emplace_back(Job{std::move(tensor)});
    job.wanted = wanted;
    const Encoding* known = source_.checkpoint.find_encoding(job.tensor.encoding);
    const Encoding encoding = known != nullptr ? *known : Encoding{"f32", 1, 4};
    HEIRLOOM_TRY(job.producer, run::Producer::create(source_, job.tensor, encoding, kernels_));
    job.bytes = job.producer->output_offset(job.producer->elements());
    const std::uint64_t usual = good_piece_bytes / encoding.block_bytes * encoding.block_elements;
    HEIRLOOM_TRY(job.piece, run::fitting_piece(*job.producer, usual, buffer_bytes_, job.tensor.name));
    return {};
  }

  Result<void> add_canonical(arch::MappedTensor tensor) {
    const arch::Arrangement& made = tensor.arrangement;
    CanonicalTensor& canonical = canonical_.emplace_back(CanonicalTensor{std::move(tensor.name), tensor.shape});
    if (made.sources.size() == 1 && made.boxes.size() == 1 && made.boxes.front().source != arch::zero_source && made.boxes.front().is_run()) {
      const arch::Box& box = made.boxes.front();
      canonical.job = box.source;
      if (!made.is_whole(model::tensor_elements(source_.checkpoint.tensors[box.source])))
        jobs_[box.source].riders.push_back({box.source_offset, box.source_offset + box.elements(), canonical_.size() - 1});
      return {};
    }
    HEIRLOOM_TRY(std::string encoding, plan::source_encoding(source_.checkpoint, made));
    canonical.job = jobs_.size();
    return add_job({canonical.name, std::move(encoding), std::move(tensor.shape), plan::Action::convert, std::move(tensor.arrangement)},
                   Wanted::values);
  }

  Result<void> digest(Job& job, run::Buffers& buffers) {
    run::TensorDigest own(kernels_, job.tensor.encoding, job.wanted);
    RidersDigest riders(job, kernels_, canonical_);
    const run::Producer& producer = *job.producer;
    for (std::uint64_t first = 0; first < producer.elements(); first += job.piece) {
      if (log_.cancelled())
        return fail(Code::cancelled, "stopped by the user");
      if (const std::uint64_t ahead = first + pieces_ahead * job.piece; ahead < producer.elements())
        producer.will_need(ahead, std::min(job.piece, producer.elements() - ahead));
      const std::uint64_t count = std::min(job.piece, producer.elements() - first);
      HEIRLOOM_TRY(const auto bytes, producer.gather(first, count, buffers));
      own.add(bytes);
      riders.add(first, bytes);
      log_.report(done_ += bytes.size(), total_bytes_);
    }
    job.raw = own.raw();
    job.values = own.values();
    return {};
  }

  const model::Source& source_;
  const kernels::Kernels& kernels_;
  const base::Log& log_;
  const bool with_values_;
  const std::size_t threads_;
  const std::uint64_t buffer_bytes_;
  std::deque<Job> jobs_;                   // of the stored tensors first, in their order
  std::vector<CanonicalTensor> canonical_;
  std::string why_no_view_;
  std::atomic<std::uint64_t> done_{0};
  std::uint64_t total_bytes_ = 0;
};

}  // namespace

Result<Identity> identify(const model::Source& source, const arch::Maps& maps, const IdentifyOptions& options, const base::Log& log) {
  const kernels::Kernels* kernels = kernels::chosen();
  if (kernels == nullptr)
    return fail(Code::misuse, "HEIRLOOM_ISA names an instruction set that this machine does not have");
  if (options.memory_bytes < run::min_memory_bytes)
    return fail(Code::misuse, "--memory must be at least " + base::human_bytes(run::min_memory_bytes));
  Identification identification(source, options, *kernels, log);
  HEIRLOOM_CHECK(identification.prepare(maps));
  HEIRLOOM_CHECK(identification.run());
  return identification.identity();
}

}  // namespace heirloom::record
