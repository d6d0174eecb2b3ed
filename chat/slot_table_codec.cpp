#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "chat/slot_runs.hpp"

namespace starling {

namespace {

using nlohmann::json;

// Far above the longest that `encode` can write: 1024 shards of 1.2 kB and 16384 runs of 7 bytes.
constexpr std::size_t text_bytes_max = 4 * 1024 * 1024;

std::string to_hex(std::uint64_t x) {
  std::string result(16, '0');
  for (auto i = result.rbegin(); i != result.rend(); ++i, x >>= 4)
    *i = "0123456789abcdef"[x & 0xf];
  return result;
}

} // namespace

std::string encode_slot_runs(const slot_table& table) {
  std::string result;
  for (std::size_t i = 0; i < slot_count;) {
    auto holder = table.shard_index_of(static_cast<slot_number>(i));
    auto end = i + 1;
    while (end < slot_count && table.shard_index_of(static_cast<slot_number>(end)) == holder)
      ++end;
    if (!result.empty()) result += ',';
    result += std::to_string(holder);
    if (end - i > 1) result += 'x' + std::to_string(end - i);
    i = end;
  }
  return result;
}

namespace {

/// Reads a decimal number from the front of `text` and takes it off.
std::optional<std::size_t> take_number(std::string_view& text) {
  std::size_t result = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return result;
}

bool take_char(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

} // namespace

std::variant<std::vector<std::uint16_t>, std::string> decode_slot_runs(std::string_view text, std::size_t shards) {
  std::vector<std::uint16_t> result;
  if (text.empty() && shards == 0) return result;
  do {
    auto holder = take_number(text);
    std::optional<std::size_t> length = 1;
    if (take_char(text, 'x')) length = take_number(text);
    if (!holder || !length || *length == 0) return "slots: not a list of runs";
    if (*holder >= shards) return "slots: no shard " + std::to_string(*holder);
    if (*length > slot_count - result.size()) return "slots: more than " + std::to_string(slot_count);
    result.insert(result.end(), *length, static_cast<std::uint16_t>(*holder));
  } while (take_char(text, ','));
  if (!text.empty()) return "slots: not a list of runs";
  if (result.size() != slot_count) return "slots: only " + std::to_string(result.size());
  return result;
}

namespace {

/// Returns the member of an object if it has that type, else null.
template <class T>
const T* find_member(const json& object, const char* name) {
  auto i = object.find(name);
  return i == object.end() ? nullptr : i->get_ptr<const T*>();
}

} // namespace

std::string slot_table::encode() const {
  auto shards = json::array();
  for (const auto& shard : shards_) {
    shards.push_back({{"name", shard.name}, {"address", shard.address}, {"weight", shard.weight}});
  }
  // The digest is text: many readers of JSON keep numbers in 53 bits.
  return json{{"epoch", epoch_},
              {"shards", std::move(shards)},
              {"slots", shards_.empty() ? std::string() : encode_slot_runs(*this)},
              {"digest", to_hex(digest_)}}
      .dump();
}

std::variant<slot_table, std::string> slot_table::decode(std::string_view text) {
  if (text.size() > text_bytes_max) return "longer than any slot table";
  auto document = json::parse(text, nullptr, false);
  if (!document.is_object()) return "not a JSON object";
  auto epoch = find_member<json::number_unsigned_t>(document, "epoch");
  auto shards = find_member<json::array_t>(document, "shards");
  auto runs = find_member<json::string_t>(document, "slots");
  auto digest = find_member<json::string_t>(document, "digest");
  if (!epoch) return "epoch: missing, or not a number from 0";
  if (!shards) return "shards: missing, or not an array";
  if (!runs) return "slots: missing, or not a string";
  if (!digest) return "digest: missing, or not a string";

  std::vector<shard_entry> entries;
  for (const auto& item : *shards) {
    auto name = find_member<json::string_t>(item, "name");
    auto address = find_member<json::string_t>(item, "address");
    auto weight = find_member<json::number_unsigned_t>(item, "weight");
    if (!name || !address || !weight) return "shards: an entry without name, address or weight";
    if (*weight > weight_max) return "shards: a weight above " + std::to_string(weight_max);
    entries.push_back({*name, *address, static_cast<std::uint32_t>(*weight)});
  }
  if (auto fault = find_fault(entries)) return "shards: " + *fault;
  auto in_order = [](const shard_entry& a, const shard_entry& b) { return a.name < b.name; };
  if (!std::is_sorted(entries.begin(), entries.end(), in_order)) return "shards: not in the order of their names";
  auto slots = decode_slot_runs(*runs, entries.size());
  if (auto* fault = std::get_if<std::string>(&slots)) return std::move(*fault);

  slot_table result(*epoch, std::move(entries), std::move(std::get<std::vector<std::uint16_t>>(slots)));
  if (to_hex(result.digest()) != *digest) return "digest: " + *digest + " is not that of the table";
  return result;
}

} // namespace starling
