#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace starling::cli {

/// What each observer was told last of each user that it watches, while all of them are meant to be online.
///
/// Nothing told is right too: a server need not tell of a drop that is over soon.
class presence_book {
public:
  /// `observer` watches `users`, ascending. Once for each observer.
  void watches(std::uint32_t observer, const std::vector<std::uint32_t>& users);
  /// Words about users that this observer does not watch are passed over.
  void told(std::uint32_t observer, std::uint32_t user, bool online);

  std::size_t words() const { return words_; } // one of each observer about each of its users
  std::size_t untold() const { return untold_; }
  std::size_t wrong() const { return wrong_; } // that say offline

private:
  enum class word : std::uint8_t { none, online, offline };
  using about = std::pair<std::uint32_t, word>; // a user

  std::vector<std::vector<about>> told_; // by observer
  std::size_t words_ = 0, untold_ = 0, wrong_ = 0;
};

} // namespace starling::cli
