#include "plugins/common/zip/content.hpp"

#include "plugins/common/zip/crc32.hpp"
#include "plugins/common/zip/inflater.hpp"

#include <algorithm>
#include <cstdio>
#include <list>
#include <mutex>

namespace heirloom::zip {
namespace {

constexpr std::uint64_t least_mark_distance = 1u << 20;
constexpr std::size_t max_idle = 4;

std::string hexadecimal(std::uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", static_cast<unsigned>(number));
  return text;
}

}  // namespace

struct Content::State {
  State(const Files& host_files, std::string name, Member what)
      : files(host_files), file(std::move(name)), member(std::move(what)) {}

  Files files;
  std::string file;
  Member member;
  std::uint64_t mark_distance = std::max(least_mark_distance, member.size / max_marks + 1);

  // Guarded by front_mutex: the inflater that is ahead of all others, and the CRC-32 of what it has made.
  std::mutex front_mutex;
  std::unique_ptr<Inflater> front;
  std::uint32_t crc = 0;

  // Guarded by marks_mutex: a list, so that marks stay where they are, and inflaters behind the front that wait to go on.
  std::mutex marks_mutex;
  std::list<Mark> marks = {Mark{}};
  std::vector<std::unique_ptr<Inflater>> idle;
  std::uint64_t front_position = 0;

  std::uint64_t reached() {
    const std::lock_guard lock(marks_mutex);
    return front_position;
  }

  Result<void> check_crc(std::uint32_t found) const {
    if (found == member.crc32)
      return {};
    return fail(Error{Code::malformed, "the content of \"" + member.name + "\" has CRC-32 " + hexadecimal(found) +
                                           ", but the archive says " + hexadecimal(member.crc32), member.offset, file});
  }

  Result<void> step_front(std::span<std::uint8_t> out, std::uint64_t& done);
  Result<void> advance_front(std::uint64_t end, std::span<std::uint8_t> tail);
  std::unique_ptr<Inflater> take_idle(std::uint64_t offset, const Mark*& mark);
  Result<void> read_behind(std::uint64_t offset, std::span<std::uint8_t> out);
};

// Makes some of `out`, and leaves a mark where one is due.
Result<void> Content::State::step_front(std::span<std::uint8_t> out, std::uint64_t& done) {
  HEIRLOOM_TRY(done, front->next(out, true));
  crc = zip::crc32(out.first(done), crc);
  const std::lock_guard lock(marks_mutex);
  front_position = front->position();
  if (front->at_block() && front_position - marks.back().position >= mark_distance)
    marks.push_back(front->mark());
  return {};
}

// Moves the front to byte `end` of the content; `tail` takes the last bytes before it. The front is behind `end` or there.
Result<void> Content::State::advance_front(std::uint64_t end, std::span<std::uint8_t> tail) {
  if (!front)
    front = std::make_unique<Inflater>(files, file, member);
  const std::uint64_t tail_begin = end - tail.size();
  std::vector<std::uint8_t> skipped(front->position() < tail_begin ? 1u << 16 : 0);
  while (front->position() < end) {
    const std::uint64_t at = front->position();
    const std::span<std::uint8_t> out =
        at < tail_begin ? std::span(skipped).first(std::min<std::uint64_t>(skipped.size(), tail_begin - at))
                        : tail.subspan(at - tail_begin);
    std::uint64_t done = 0;
    HEIRLOOM_CHECK(step_front(out, done));
  }
  if (end == member.size) {
    HEIRLOOM_CHECK(front->check_end());
    HEIRLOOM_CHECK(check_crc(crc));
  }
  return {};
}

// The inflater that waits nearest before `offset`, unless a mark is nearer; `mark` is the nearest mark.
std::unique_ptr<Inflater> Content::State::take_idle(std::uint64_t offset, const Mark*& mark) {
  const std::lock_guard lock(marks_mutex);
  for (const Mark& candidate : marks)
    if (candidate.position <= offset)
      mark = &candidate;
  auto best = idle.end();
  for (auto i = idle.begin(); i != idle.end(); ++i)
    if ((*i)->position() <= offset && (best == idle.end() || (*best)->position() < (*i)->position()))
      best = i;
  if (best == idle.end() || (*best)->position() < mark->position)
    return nullptr;
  std::unique_ptr<Inflater> found = std::move(*best);
  idle.erase(best);
  return found;
}

Result<void> Content::State::read_behind(std::uint64_t offset, std::span<std::uint8_t> out) {
  const Mark* mark = nullptr;
  std::unique_ptr<Inflater> inflater = take_idle(offset, mark);
  if (!inflater) {
    inflater = std::make_unique<Inflater>(files, file, member);
    HEIRLOOM_CHECK(inflater->start_at(*mark));
  }
  std::vector<std::uint8_t> skipped(std::min<std::uint64_t>(1u << 16, offset - inflater->position()));
  while (inflater->position() < offset) {
    const std::uint64_t count = std::min<std::uint64_t>(skipped.size(), offset - inflater->position());
    HEIRLOOM_CHECK(inflater->next(std::span(skipped).first(count), false));
  }
  HEIRLOOM_CHECK(inflater->next(out, false));
  const std::lock_guard lock(marks_mutex);
  if (idle.size() == max_idle)
    idle.erase(idle.begin());
  idle.push_back(std::move(inflater));
  return {};
}

Content::Content(const Files& files, std::string file, Member member)
    : state_(std::make_unique<State>(files, std::move(file), std::move(member))) {}
Content::~Content() = default;
Content::Content(Content&&) noexcept = default;
Content& Content::operator=(Content&&) noexcept = default;

std::uint64_t Content::size() const { return state_->member.size; }

Result<void> Content::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  const Member& member = state_->member;
  if (offset > member.size || out.size() > member.size - offset)
    return fail(Error{Code::misuse, "\"" + member.name + "\" has only " + std::to_string(member.size) + " bytes",
                      member.offset, state_->file});
  if (out.empty())
    return {};
  if (!member.is_deflated)
    return state_->files.read(state_->file, member.offset + offset, out);
  const std::uint64_t end = offset + out.size();
  if (end > state_->reached()) {
    const std::lock_guard lock(state_->front_mutex);
    const std::uint64_t reached = state_->reached();
    if (reached <= offset)
      return state_->advance_front(end, out);
    if (reached < end)  // the front takes the part that it has not made yet
      HEIRLOOM_CHECK(state_->advance_front(end, out.subspan(reached - offset)));
    out = out.first(std::min<std::uint64_t>(out.size(), reached - offset));
  }
  return state_->read_behind(offset, out);
}

Result<void> Content::read_all(std::span<std::uint8_t> out) const {
  const Member& member = state_->member;
  if (out.size() != member.size)
    return fail(Code::misuse, "a buffer of " + std::to_string(out.size()) + " bytes for \"" + member.name + "\"");
  if (!member.is_deflated) {
    HEIRLOOM_CHECK(read(0, out));
    return state_->check_crc(zip::crc32(out));
  }
  const std::lock_guard lock(state_->front_mutex);
  state_->front.reset();
  state_->crc = 0;
  return state_->advance_front(member.size, out);
}

}  // namespace heirloom::zip
