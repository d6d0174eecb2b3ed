#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/frame.hpp"

namespace starling {

/// What became of a frame.
enum class pushed : std::uint8_t {
  queued,
  dropped,  // ephemeral, and the outbox is half full: counted, nothing else to do
  overflow, // lasting, and the outbox is full: the client is too slow, its connection must end (4008)
};

/// What waits to be written to one connection, bounded in bytes. Frames leave in the order in which they were put, save
/// that a hold keeps back all but `push_now`. An idle one owns no memory beyond itself: there are 100,000 of them.
///
/// Not thread-safe: the connection guards it. The bound is on the frames' bytes, as if each were this client's alone,
/// though most are shared between many. No frame is null or empty.
class outbox {
public:
  explicit outbox(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Puts a frame at the end. A lasting one overflows if all that waits would pass the bound, also when it is alone;
  /// an ephemeral one is dropped if all would pass half the bound. Nothing is put then, and what was there stays.
  pushed push(frame what, frame_kind kind);

  /// Holds back what is pushed from now on. Calls nest.
  void hold() { ++holds_; }
  /// Keeps a place among what is held, for what `release` brings. `place` is an empty frame, known by its address.
  /// Without a hold nothing is kept.
  void keep_place(frame place);
  /// Ends one hold: puts `first` (null: nothing) at its place, if one was kept, else ahead of all that is held; and
  /// lets go all of that if this was the last hold. What is held has its bytes counted already and cannot overflow;
  /// `first` can. Without a hold (`clear` ends them all) it only puts `first`.
  pushed release(frame first, const frame& place = nullptr);
  /// Puts a lasting frame at the end of what may leave, past any hold.
  pushed push_now(frame what);

  /// Nothing waits, held or not.
  bool empty() const { return frames() == 0; }
  /// Something may leave.
  bool ready() const { return head_ < queue_.size(); }
  /// Bytes that wait, held or not.
  std::size_t bytes() const { return bytes_; }
  /// Frames that wait, held or not; one that has left in part is one of them.
  std::size_t frames() const { return queue_.size() - head_ + held_.size() - places_; }
  /// Ephemeral frames dropped so far.
  std::size_t dropped() const { return dropped_; }
  /// Memory beyond itself and the frames; none when empty.
  std::size_t heap_bytes() const;

  /// Fills `out` with what is to be written next, from where the last write ended; returns how many pieces. They stay
  /// valid until `written`, whatever else is called.
  std::size_t gather(std::span<std::string_view> out);
  /// Takes off the first `bytes` of what may leave; they have been written. Ends the validity of what was gathered.
  void written(std::size_t bytes);

  /// For a connection that is to end: forgets all but what was gathered or has left in part (half a frame would
  /// spoil what comes after it), and all holds. Returns how many frames that were. Leaves room for a close frame.
  std::size_t clear();

private:
  bool has_room_for(const std::string& what, std::size_t bound) const;
  pushed put(std::vector<frame>& queue, frame what);
  pushed put_first(frame first, const frame& place);
  void let_go();

  std::vector<frame> queue_; // from head_ on: what may leave; before it: nulls
  std::vector<frame> held_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::size_t offset_ = 0; // of the first frame: so much of it has left
  std::size_t dropped_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t gathered_ = 0; // frames that a write under way points into
  std::uint32_t holds_ = 0;
  std::uint32_t places_ = 0; // of those held: empty ones
};

} // namespace starling
