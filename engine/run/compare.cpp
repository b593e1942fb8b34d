#include "engine/run/compare.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/text.hpp"
#include "engine/run/execute.hpp"
#include "engine/run/producer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>

namespace heirloom::run {
namespace {

constexpr std::uint64_t good_piece_elements = 1u << 18;
constexpr std::uint64_t bytes_per_element = 80;  // of all buffers of a worker

// Every element as binary64. Encodings that binary32 holds go through it.
bool decode_values(const kernels::Kernels& kernels, const encoding::Codec& codec, const std::uint8_t* src,
                   std::vector<double>& out, std::vector<float>& narrow, std::size_t count) {
  out.resize(std::max(out.size(), count));
  if (codec.decode_f64 != nullptr) {
    codec.decode_f64(src, out.data(), count);
    return true;
  }
  if (codec.decode == nullptr)
    return false;
  narrow.resize(std::max(narrow.size(), count));
  codec.decode(kernels, src, narrow.data(), count);
  std::copy_n(narrow.begin(), count, out.begin());
  return true;
}

bool same_value(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Integers of up to 64 bits without rounding: two's complement, or natural numbers where is_unsigned.
struct Integers {
  std::vector<std::uint64_t> values;
  bool is_unsigned = false;

  bool is_negative(std::size_t i) const { return !is_unsigned && values[i] >> 63 != 0; }
};

bool decode_integers(const kernels::Kernels& kernels, const encoding::Codec& codec, const std::uint8_t* src, Integers& out,
                     std::size_t count) {
  if (codec.kind != encoding::Kind::integer)
    return false;
  out.is_unsigned = !encoding::holds_all_values("i64", codec.id);
  const encoding::Codec* wide = encoding::find_codec(out.is_unsigned ? "u64" : "i64");
  if (wide == nullptr || !encoding::convertible(codec, *wide))
    return false;
  out.values.resize(std::max(out.values.size(), count));
  std::vector<double> scratch(encoding::scratch_bytes / sizeof(double));
  encoding::convert(kernels, codec, *wide, src, reinterpret_cast<std::uint8_t*>(out.values.data()), count,
                    reinterpret_cast<std::uint8_t*>(scratch.data()));
  return true;
}

// |a - b|, rounded once; 0 only for equal numbers.
double distance(const Integers& a, const Integers& b, std::size_t i) {
  const std::uint64_t x = a.values[i], y = b.values[i];
  if (a.is_negative(i) == b.is_negative(i))
    return static_cast<double>(x > y ? x - y : y - x);
  return a.is_negative(i) ? static_cast<double>(0 - x) + static_cast<double>(y)
                          : static_cast<double>(x) + static_cast<double>(0 - y);
}

struct Sums {
  std::uint64_t differing = 0;
  double max_error = 0, squares = 0, squares_first = 0;
  bool is_same_bytes = true, is_reencoding = true, is_decodable = true;
};

// One tensor against one, piece by piece, in order: sums do not depend on the number of threads.
class PairComparison {
 public:
  PairComparison(const model::Source& first, const plan::PlanTensor& tensor, const model::Source& second,
                 std::uint32_t index, const kernels::Kernels& kernels)
      : first_(first), tensor_(tensor), second_(second), index_(index), kernels_(kernels) {}

  // Ends early, with sums that mean nothing, once `is_given_up`.
  Result<Sums> run(std::uint64_t piece_elements, const base::Log& log, const std::function<bool()>& is_given_up) {
    const Tensor& b = second_.checkpoint.tensors[index_];
    second_plan_ = {b.name, b.encoding, b.shape, plan::Action::convert, arch::whole(index_, b.shape)};
    HEIRLOOM_TRY(const Producer theirs, Producer::create(second_, second_plan_, *second_.checkpoint.find_encoding(b.encoding), kernels_));
    std::optional<Producer> ours;
    std::optional<Producer> reencoded;
    if (tensor_.action != plan::Action::literal) {
      // Its own encoding: plan::tensors_in chooses no other.
      first_plan_ = tensor_;
      const Encoding* known = first_.checkpoint.find_encoding(tensor_.encoding);
      HEIRLOOM_TRY(ours, Producer::create(first_, first_plan_, known != nullptr ? *known : Encoding{"f32", 1, 4}, kernels_));
      again_ = tensor_;
      again_.encoding = b.encoding;
      if (auto made = Producer::create(first_, again_, *second_.checkpoint.find_encoding(b.encoding), kernels_))
        reencoded = std::move(*made);
    }
    const std::uint64_t step = step_of(theirs, ours, reencoded, piece_elements);
    for (std::uint64_t at = 0; at < theirs.elements() && !is_given_up(); at += step) {
      if (log.cancelled())
        return fail(Code::cancelled, "stopped by the user");
      HEIRLOOM_CHECK(compare_piece(theirs, ours, reencoded, at, std::min(step, theirs.elements() - at)));
    }
    return sums_;
  }

 private:
  static std::uint64_t step_of(const Producer& theirs, const std::optional<Producer>& ours,
                               const std::optional<Producer>& reencoded, std::uint64_t wanted) {
    std::uint64_t granularity = theirs.granularity();
    if (ours)
      granularity = std::lcm(granularity, ours->granularity());
    if (reencoded)
      granularity = std::lcm(granularity, reencoded->granularity());
    const std::uint64_t step = ours ? ours->piece_elements(wanted) : wanted;
    return step % granularity == 0 ? step : std::max(granularity, wanted / granularity * granularity);
  }

  Result<void> compare_piece(const Producer& theirs, const std::optional<Producer>& ours,
                             const std::optional<Producer>& reencoded, std::uint64_t at, std::uint64_t count) {
    HEIRLOOM_TRY(const auto b, theirs.gather(at, count, their_buffers_));
    std::span<const std::uint8_t> a(tensor_.literal);
    std::string_view encoding = "f32";
    if (ours) {
      HEIRLOOM_TRY(a, ours->gather(at, count, our_buffers_));
      encoding = first_plan_.encoding;
    } else {
      a = a.subspan(at * 4, count * 4);
    }
    if (encoding == second_plan_.encoding && std::ranges::equal(a, b))
      return {};
    sums_.is_same_bytes = false;
    if (reencoded && sums_.is_reencoding && encoding != second_plan_.encoding) {
      HEIRLOOM_TRY(const auto again, reencoded->produce(at, count, again_buffers_));
      sums_.is_reencoding = std::ranges::equal(again, b);
    } else {
      sums_.is_reencoding = false;
    }
    add_errors(encoding, a, b, count);
    return {};
  }

  void add_errors(std::string_view encoding, std::span<const std::uint8_t> a, std::span<const std::uint8_t> b,
                  std::uint64_t count) {
    const encoding::Codec* from = encoding::find_codec(encoding);
    const encoding::Codec* to = encoding::find_codec(second_plan_.encoding);
    if (from == nullptr || to == nullptr || !decode_values(kernels_, *from, a.data(), a_, narrow_, count) ||
        !decode_values(kernels_, *to, b.data(), b_, narrow_, count)) {
      sums_.is_decodable = false;
      return;
    }
    const bool is_exact = decode_integers(kernels_, *from, a.data(), a_integers_, count) &&
                          decode_integers(kernels_, *to, b.data(), b_integers_, count);
    for (std::uint64_t i = 0; i < count; ++i) {
      sums_.squares_first += a_[i] * a_[i];
      if (is_exact ? distance(a_integers_, b_integers_, i) == 0 : same_value(a_[i], b_[i]))
        continue;
      const double error = is_exact ? distance(a_integers_, b_integers_, i) : std::abs(a_[i] - b_[i]);
      ++sums_.differing;
      sums_.max_error = std::isnan(error) ? error : std::max(sums_.max_error, error);
      sums_.squares += error * error;
    }
  }

  const model::Source& first_;
  const plan::PlanTensor& tensor_;
  const model::Source& second_;
  std::uint32_t index_;
  const kernels::Kernels& kernels_;
  plan::PlanTensor first_plan_, second_plan_, again_;
  Buffers our_buffers_, their_buffers_, again_buffers_;
  std::vector<double> a_, b_;
  std::vector<float> narrow_;
  Integers a_integers_, b_integers_;
  Sums sums_;
};

void conclude(const Sums& sums, std::uint64_t elements, TensorComparison& result) {
  if (sums.is_same_bytes)
    return;
  if (!sums.is_decodable) {
    result.verdict = Verdict::not_comparable;
    return;
  }
  // Bytes of one encoding that differ with equal values (zeros of either sign, NaNs) are not the same tensor.
  const bool is_other_encoding = result.first_encoding != result.second_encoding;
  result.verdict = sums.differing == 0 && is_other_encoding ? Verdict::same_values : Verdict::different;
  result.is_reencoding = sums.is_reencoding;
  result.differing = sums.differing;
  result.max_error = sums.max_error;
  const double count = static_cast<double>(std::max<std::uint64_t>(1, elements));
  result.rms_error = std::sqrt(sums.squares / count);
  result.rms_first = std::sqrt(sums.squares_first / count);
}

struct Pair {
  TensorComparison result;
  const plan::PlanTensor* first = nullptr;
  std::uint32_t second = 0;
};

std::vector<Pair> pair_up(const std::vector<plan::PlanTensor>& tensors, const model::Source& second) {
  std::map<std::string_view, const plan::PlanTensor*> by_name;
  for (const plan::PlanTensor& tensor : tensors)
    by_name.emplace(tensor.name, &tensor);
  std::vector<Pair> pairs;
  for (std::uint32_t i = 0; i < second.checkpoint.tensors.size(); ++i) {
    const Tensor& b = second.checkpoint.tensors[i];
    Pair pair{{b.name, Verdict::only_second, "", b.encoding, {}, b.shape}, nullptr, i};
    if (const auto found = by_name.find(b.name); found != by_name.end()) {
      pair.first = found->second;
      pair.result.first_shape = pair.first->shape;
      pair.result.first_encoding = pair.first->encoding;
      pair.result.verdict = pair.first->shape == b.shape ? Verdict::identical : Verdict::other_shape;
      by_name.erase(found);
    }
    pairs.push_back(std::move(pair));
  }
  for (const plan::PlanTensor& tensor : tensors)
    if (by_name.contains(tensor.name))
      pairs.push_back({{tensor.name, Verdict::only_first, tensor.encoding, "", tensor.shape, {}}});
  return pairs;
}

}  // namespace

Result<std::vector<TensorComparison>> compare(const model::Source& first, const std::vector<plan::PlanTensor>& tensors,
                                              const model::Source& second, const CompareOptions& options,
                                              const base::Log& log) {
  const kernels::Kernels* kernels = kernels::chosen();
  if (kernels == nullptr)
    return fail(Code::misuse, "HEIRLOOM_ISA names an instruction set that this machine does not have");
  if (options.memory_bytes < min_memory_bytes)
    return fail(Code::misuse, "--memory must be at least " + base::human_bytes(min_memory_bytes));
  const std::size_t threads = options.threads == 0 ? base::default_threads() : options.threads;
  const std::uint64_t piece =
      std::clamp<std::uint64_t>(options.memory_bytes / threads / bytes_per_element, 1024, good_piece_elements);
  std::vector<Pair> pairs = pair_up(tensors, second);
  std::atomic<std::size_t> next{0};
  // Lowest pair that failed: those behind it are given up, those before it are still compared, so that the error does
  // not depend on the threads' timing.
  std::atomic<std::size_t> failed{SIZE_MAX};
  std::mutex mutex;
  std::optional<Error> failure;
  base::run_workers(std::min(threads, std::max<std::size_t>(1, pairs.size())), [&](std::size_t) {
    for (std::size_t i = next++; i < pairs.size() && i < failed; i = next++) {
      Pair& pair = pairs[i];
      if (pair.first == nullptr || pair.result.verdict != Verdict::identical)
        continue;
      auto sums = PairComparison(first, *pair.first, second, pair.second, *kernels).run(piece, log, [&failed, i] { return failed < i; });
      if (sums) {
        conclude(*sums, model::tensor_elements(second.checkpoint.tensors[pair.second]), pair.result);
        continue;
      }
      const std::lock_guard lock(mutex);
      if (i < failed) {
        failure = std::move(sums).error().at_tensor(pair.result.name);
        failed = i;
      }
    }
  });
  if (failure)
    return fail(std::move(*failure));
  HEIRLOOM_CHECK(first.finish_checks());
  HEIRLOOM_CHECK(second.finish_checks());
  std::vector<TensorComparison> results;
  for (Pair& pair : pairs)
    results.push_back(std::move(pair.result));
  return results;
}

}  // namespace heirloom::run
