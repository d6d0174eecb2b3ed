#include "chat/outbox.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace starling {

pushed outbox::push(frame what, frame_kind kind) {
  assert(what && !what->empty());
  if (kind == frame_kind::ephemeral && !has_room_for(*what, bytes_max_ / 2)) {
    ++dropped_;
    return pushed::dropped;
  }
  return put(holds_ > 0 ? held_ : queue_, std::move(what));
}

pushed outbox::push_now(frame what) {
  assert(what && !what->empty());
  return put(queue_, std::move(what));
}

void outbox::keep_place(frame place) {
  assert(place && place->empty());
  if (holds_ == 0) return;
  held_.push_back(std::move(place));
  ++places_;
}

pushed outbox::release(frame first, const frame& place) {
  auto result = first ? put_first(std::move(first), place) : pushed::queued;
  if (holds_ > 0 && --holds_ == 0) let_go();
  return result;
}

pushed outbox::put_first(frame first, const frame& place) {
  assert(!first->empty());
  auto kept = place ? std::find(held_.begin(), held_.end(), place) : held_.end();
  if (kept == held_.end()) return push_now(std::move(first));
  if (!has_room_for(*first, bytes_max_)) return pushed::overflow;
  bytes_ += first->size();
  *kept = std::move(first);
  --places_;
  return pushed::queued;
}

/// Places for which nothing came go.
void outbox::let_go() {
  if (places_ > 0) std::erase_if(held_, [](const frame& one) { return one->empty(); });
  queue_.insert(queue_.end(), std::move_iterator(held_.begin()), std::move_iterator(held_.end()));
  held_ = std::vector<frame>();
  places_ = 0;
}

std::size_t outbox::gather(std::span<std::string_view> out) {
  auto count = std::min(out.size(), queue_.size() - head_);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = *queue_[head_ + i];
  if (count > 0) out[0].remove_prefix(offset_);
  gathered_ = std::max(gathered_, static_cast<std::uint32_t>(count));
  return count;
}

void outbox::written(std::size_t bytes) {
  assert(bytes <= bytes_);
  bytes_ -= bytes;
  gathered_ = 0;
  offset_ += bytes;
  while (ready() && offset_ >= queue_[head_]->size()) {
    offset_ -= queue_[head_]->size();
    queue_[head_++].reset();
  }
  if (!ready()) {
    queue_ = std::vector<frame>(); // what a burst has made it grow to goes back; `= {}` would keep it
    head_ = 0;
  } else if (head_ > queue_.size() / 2) {
    // Each frame is moved here at most once per time that the queue is passed by half: a constant share of the work.
    queue_.erase(queue_.begin(), queue_.begin() + head_);
    head_ = 0;
  }
}

std::size_t outbox::clear() {
  auto kept = std::max<std::size_t>(gathered_, offset_ > 0 ? 1 : 0);
  auto first = queue_.begin() + head_ + static_cast<std::ptrdiff_t>(kept);
  auto count = static_cast<std::size_t>(queue_.end() - first) + held_.size() - places_;
  queue_.erase(first, queue_.end());
  held_ = std::vector<frame>();
  holds_ = 0;
  places_ = 0;
  bytes_ = 0;
  for (auto i = head_; i < queue_.size(); ++i)
    bytes_ += queue_[i]->size();
  bytes_ -= offset_;
  if (!ready()) {
    queue_ = std::vector<frame>();
    head_ = 0;
  }
  return count;
}

std::size_t outbox::heap_bytes() const { return (queue_.capacity() + held_.capacity()) * sizeof(frame); }

bool outbox::has_room_for(const std::string& what, std::size_t bound) const {
  return bytes_ <= bound && what.size() <= bound - bytes_;
}

pushed outbox::put(std::vector<frame>& queue, frame what) {
  if (!has_room_for(*what, bytes_max_)) return pushed::overflow;
  bytes_ += what->size();
  queue.push_back(std::move(what));
  return pushed::queued;
}

} // namespace starling
