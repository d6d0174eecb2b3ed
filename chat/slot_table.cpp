#include "chat/slot_table.hpp"

#include <algorithm>
#include <cassert>

#include <xxhash.h>

#include "chat/slot_rank.hpp"

namespace starling {

namespace {

bool is_printable(std::string_view text, char first) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return c >= first && c <= '~'; });
}

void append_number(std::string& to, std::uint64_t x, int bytes) {
  for (int shift = 0; shift < 8 * bytes; shift += 8)
    to.push_back(static_cast<char>((x >> shift) & 0xff));
}

void append_text(std::string& to, const std::string& x) {
  append_number(to, x.size(), 4);
  to.append(x);
}

// Every number in little-endian, every text after its length: the bytes do not depend on the platform, and no two
// tables have the same.
std::uint64_t digest_of(std::uint64_t epoch, const std::vector<shard_entry>& shards,
                        const std::vector<std::uint16_t>& slots) {
  std::string bytes;
  append_number(bytes, epoch, 8);
  append_number(bytes, shards.size(), 4);
  for (const auto& shard : shards) {
    append_text(bytes, shard.name);
    append_text(bytes, shard.address);
    append_number(bytes, shard.weight, 4);
  }
  for (auto holder : slots)
    append_number(bytes, holder, 2);
  return XXH64(bytes.data(), bytes.size(), 0);
}

auto find_name(const std::vector<shard_entry>& shards, std::string_view name) {
  auto i = std::lower_bound(shards.begin(), shards.end(), name,
                            [](const shard_entry& shard, std::string_view x) { return shard.name < x; });
  return i != shards.end() && i->name == name ? i : shards.end();
}

} // namespace

std::optional<std::string> find_fault(const std::vector<shard_entry>& shards) {
  if (shards.size() > shards_max) {
    return std::to_string(shards.size()) + " shards are more than " + std::to_string(shards_max);
  }
  std::vector<std::string_view> names;
  for (const auto& shard : shards) {
    if (shard.name.empty() || shard.name.size() > 128 || !is_printable(shard.name, '!')) {
      return "a shard's name must be 1 to 128 printable ASCII characters without spaces";
    }
    if (shard.address.size() > 1024 || !is_printable(shard.address, ' ')) {
      return "the address of shard " + shard.name + " must be at most 1024 printable ASCII characters";
    }
    if (shard.weight < 1 || shard.weight > weight_max) {
      return "the weight of shard " + shard.name + " must be 1 to " + std::to_string(weight_max) + ", not " +
             std::to_string(shard.weight);
    }
    names.push_back(shard.name);
  }
  std::sort(names.begin(), names.end());
  auto twin = std::adjacent_find(names.begin(), names.end());
  if (twin != names.end()) return "two shards are named " + std::string(*twin);
  return std::nullopt;
}

slot_table::slot_table() : slot_table(0, {}, {}) {}

slot_table::slot_table(std::uint64_t epoch, std::vector<shard_entry> shards, std::vector<std::uint16_t> slots)
    : epoch_(epoch), shards_(std::move(shards)), slots_(std::move(slots)), digest_(digest_of(epoch_, shards_, slots_)) {
}

std::size_t slot_table::shard_index_of(slot_number slot) const {
  assert(slot < slots_.size());
  return slots_[slot];
}

std::vector<std::size_t> slot_table::counts() const {
  std::vector<std::size_t> result(shards_.size());
  for (auto holder : slots_)
    ++result[holder];
  return result;
}

slot_table slot_table::place(const slot_table& before, std::vector<shard_entry> shards, std::uint64_t epoch) {
  assert(!find_fault(shards));
  std::sort(shards.begin(), shards.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (shards.empty()) return {epoch, {}, {}};

  // The slots of those that stay, by their new indices.
  std::vector<std::uint16_t> new_index;
  for (const auto& shard : before.shards_) {
    auto i = find_name(shards, shard.name);
    new_index.push_back(i == shards.end() ? homeless : static_cast<std::uint16_t>(i - shards.begin()));
  }
  std::vector<std::uint16_t> slots(slot_count, homeless);
  for (std::size_t i = 0; i < before.slots_.size(); ++i)
    slots[i] = new_index[before.slots_[i]];

  assign(slots, shards, shares_of(shards));
  return {epoch, std::move(shards), std::move(slots)};
}

slot_table make_slot_table(std::vector<shard_entry> shards, std::uint64_t epoch) {
  return slot_table::place(slot_table(), std::move(shards), epoch);
}

slot_table rebalance(const slot_table& before, std::vector<shard_entry> shards) {
  if (std::is_permutation(shards.begin(), shards.end(), before.shards().begin(), before.shards().end())) return before;
  return slot_table::place(before, std::move(shards), before.epoch() + 1);
}

slot_table with_epoch(const slot_table& table, std::uint64_t epoch) { return {epoch, table.shards_, table.slots_}; }

std::size_t moved_slots(const slot_table& a, const slot_table& b) {
  if (a.shards().empty() || b.shards().empty()) return a.shards().empty() && b.shards().empty() ? 0 : slot_count;
  std::size_t result = 0;
  for (std::size_t i = 0; i < slot_count; ++i) {
    auto slot = static_cast<slot_number>(i);
    if (a.shards()[a.shard_index_of(slot)].name != b.shards()[b.shard_index_of(slot)].name) ++result;
  }
  return result;
}

} // namespace starling
