#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/slot.hpp"

namespace starling {

/// A shard, as the slot table knows it. It is its name that holds slots: the address may change and nothing moves.
struct shard_entry {
  std::string name;         // 1..128 printable ASCII characters without spaces
  std::string address;      // 0..1024 printable ASCII characters
  std::uint32_t weight = 1; // 1..1000: its share of the slots against the others'

  bool operator==(const shard_entry&) const = default;
};

inline constexpr std::size_t shards_max = 1024;
inline constexpr std::uint32_t weight_max = 1000;

/// Returns what keeps `shards` from being those of a table (a name twice, a weight out of range, too many ...), for
/// whoever configured them.
std::optional<std::string> find_fault(const std::vector<shard_entry>& shards);

/// Which shard holds which slot. The master makes it (`rebalance`), all others take it as it is; equal digests mean
/// equal tables, on any platform. A value of about 32 kB that never changes: share it by pointer where many hold it.
class slot_table {
public:
  /// The table before there is any: epoch 0, no shards.
  slot_table();

  /// Counts up with every change of anything below.
  std::uint64_t epoch() const { return epoch_; }
  /// Sorted by name.
  const std::vector<shard_entry>& shards() const { return shards_; }
  /// Returns the index in `shards()` of the shard that holds `slot`. There must be a shard.
  std::size_t shard_index_of(slot_number slot) const;
  /// XXH64 of all of it: epoch, names, addresses, weights and slots.
  std::uint64_t digest() const { return digest_; }
  /// How many slots each shard holds, in the order of `shards()`.
  std::vector<std::size_t> counts() const;

  /// Writes the table as JSON, for state files and between processes. Slots are a list of runs of shard indices,
  /// "0x120,3,1x2": slots 0..119 on shard 0, 120 on 3, 121 and 122 on 1.
  std::string encode() const;
  /// Reads what `encode` wrote and believes none of it: counts, ranges, names and the digest must all be right.
  /// Returns the table or what is wrong with it. Never throws.
  static std::variant<slot_table, std::string> decode(std::string_view json);

  bool operator==(const slot_table&) const = default;

private:
  friend slot_table make_slot_table(std::vector<shard_entry> shards, std::uint64_t epoch);
  friend slot_table rebalance(const slot_table& before, std::vector<shard_entry> shards);
  friend slot_table with_epoch(const slot_table& table, std::uint64_t epoch);
  static slot_table place(const slot_table& before, std::vector<shard_entry> shards, std::uint64_t epoch);
  slot_table(std::uint64_t epoch, std::vector<shard_entry> shards, std::vector<std::uint16_t> slots);

  std::uint64_t epoch_ = 0;
  std::vector<shard_entry> shards_;
  std::vector<std::uint16_t> slots_; // slot -> index in shards_; empty without shards
  std::uint64_t digest_ = 0;
};

/// Makes the first table: weighted rendezvous under quotas. `find_fault(shards)` must be none.
slot_table make_slot_table(std::vector<shard_entry> shards, std::uint64_t epoch = 1);

/// Returns the table for `shards`, with the next epoch, that moves the fewest slots from `before`; `before` itself if
/// the shards are the same. `find_fault(shards)` must be none.
///
/// How many slots a shard holds depends on the weights alone (`shares_of`): never a whole slot above its fair share,
/// weight / total weight * slot_count. A shard that leaves moves only its own slots, one that comes only takes its
/// share, one whose weight was changed only takes, or only gives, the difference. Of the slots that could move, those
/// do that rank highest with the taker against their holder: a shard that comes back gets most of its old slots.
slot_table rebalance(const slot_table& before, std::vector<shard_entry> shards);

/// The same shards and slots, as of another epoch.
slot_table with_epoch(const slot_table& table, std::uint64_t epoch);

/// How many slots are on a shard of another name in `b` than in `a`. All, if only one of them has shards.
std::size_t moved_slots(const slot_table& a, const slot_table& b);

} // namespace starling
