#include <algorithm>
#include <filesystem>

#include "actors/master.hpp"
#include "actors/state_file.hpp"

/// The master's slot table: where it comes from, how it is kept and told.
namespace starling {
namespace {

constexpr std::chrono::seconds save_again_after{1};
// No cluster gets there by counting; beyond it, there would soon be no way up.
constexpr std::uint64_t epoch_max = std::uint64_t{1} << 53;

std::vector<shard_entry> entries_of(const std::vector<shard_settings>& shards) {
  std::vector<shard_entry> result;
  for (const auto& shard : shards)
    result.push_back({shard.name, shard.address, shard.weight});
  return result;
}

bool has_shards(const slot_table& table, const std::vector<shard_entry>& shards) {
  auto same = [](const shard_entry& a, const shard_entry& b) { return a.name == b.name && a.weight == b.weight; };
  return std::is_permutation(shards.begin(), shards.end(), table.shards().begin(), table.shards().end(), same);
}

std::uint64_t unix_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

} // namespace

std::variant<master_start, std::string> prepare_master(master_settings settings, std::string token) {
  auto shards = entries_of(settings.shards);
  if (shards.empty()) return "no shards are configured: at least one [[shard]] is needed";
  if (auto fault = find_fault(shards)) return std::move(*fault);
  if (token.empty()) return "the cluster's token is empty";
  const auto path = settings.state_file;
  auto folder = std::filesystem::path(path).parent_path();
  std::error_code ec;
  if (!folder.empty() && !std::filesystem::is_directory(folder, ec))
    return path + ": its folder does not exist: make it, or change master.state_file";

  master_start result{std::move(settings), std::move(token), unix_ms(), std::nullopt, std::nullopt};
  auto content = read_state_file(path);
  if (std::holds_alternative<file_missing>(content)) return result;
  if (auto* fault = std::get_if<file_fault>(&content)) return std::move(fault->text);
  auto decoded = cluster_state::decode(std::get<std::string>(content));
  if (auto* fault = std::get_if<std::string>(&decoded)) {
    return path + ": not a master's state (" + *fault +
           "). Put a copy of the file back; or move it away while at least one node is running, from which the master "
           "then learns the slot table";
  }
  auto& before = std::get<cluster_state>(decoded);
  if (before.cluster != result.settings.cluster.id) {
    return path + ": is the state of cluster \"" + before.cluster + "\", not of \"" + result.settings.cluster.id +
           "\": change cluster.id or master.state_file";
  }
  auto next = rebalance(before.table, shards);
  // A file from before there was a table moves nothing.
  auto moved = before.table.epoch() == 0 ? 0 : moved_slots(before.table, next);
  if (moved > 0 && !result.settings.accept_moved_slots) {
    return "the configured shards are not those of " + path + ": " + std::to_string(moved) + " of " +
           std::to_string(slot_count) +
           " slots would move, and what they hold would stay behind. Configure the shards as they were (only addresses "
           "may change), or accept the loss: --set master.accept_moved_slots=true";
  }
  if (moved > 0) log::warn("master.slots_move", "slots={} of={}", moved, slot_count);
  if (next.digest() != before.table.digest()) result.next = std::move(next);
  result.before = std::move(before);
  return result;
}

/// A node has brought its table: is it news? The epoch never falls, so whatever comes of it is above both.
void master_state::learn(const slot_table& brought, const std::string& from) {
  const auto& ours = wanted_ ? *wanted_ : table_;
  if (brought.epoch() < ours.epoch() || brought.digest() == ours.digest()) return;
  if (brought.epoch() > epoch_max) {
    log::error("master.impossible_epoch", "node={} brought={}", from, brought.epoch());
    return;
  }
  auto shards = entries_of(options_.settings.shards);
  if (ours.epoch() == 0 || (brought.epoch() > ours.epoch() && has_shards(brought, shards))) {
    // Without a table of our own, this is the one from which the fewest slots move.
    auto next = rebalance(brought, shards);
    if (auto moved = moved_slots(brought, next)) log::warn("master.slots_move", "slots={} of={}", moved, slot_count);
    wanted_ = std::move(next);
  } else {
    wanted_ = with_epoch(ours, brought.epoch() + 1);
  }
  log::warn("master.table_learnt", "node={} brought={} epoch={}", from, brought.epoch(), wanted_->epoch());
}

void master_state::settle() {
  if (!settling_) return;
  // The highest of those that have our shards; only without any, the highest of all.
  auto shards = entries_of(options_.settings.shards);
  const join* from = nullptr;
  slot_table best;
  for (const auto& waiting : waiting_) {
    auto brought = slot_table::decode(waiting.what.table);
    auto* table = std::get_if<slot_table>(&brought);
    if (!table || table->shards().empty()) continue;
    auto rank = [&](const slot_table& x) { return std::pair(has_shards(x, shards), x.epoch()); };
    if (!from || rank(*table) > rank(best)) {
      from = &waiting.what;
      best = std::move(*table);
    }
  }
  if (from) {
    learn(best, from->node.name);
  } else {
    wanted_ = make_slot_table(std::move(shards));
    log::info("master.first_table", "shards={} epoch={}", wanted_->shards().size(), wanted_->epoch());
  }
  settling_ = false;
  save();
  for (auto& waiting : std::exchange(waiting_, {})) {
    auto result = let_in(waiting.what);
    if (result)
      waiting.answer.deliver(std::move(*result));
    else
      waiting.answer.deliver(std::move(result.error()));
  }
}

void master_state::save() {
  const auto& latest = wanted_ ? *wanted_ : table_;
  cluster_state state{options_.settings.cluster.id, latest, registry_.nodes(), registry_.dead()};
  if (auto fault = write_state_file(options_.settings.state_file, state.encode())) {
    log::error("master.not_saved", "reason=\"{}\" again_in={}s{}", fault->text, save_again_after.count(),
               wanted_ ? " the new slot table waits" : "");
    if (!saving_again_) self_->delayed_send(self_, save_again_after, starling::save_again{});
    saving_again_ = true;
    return;
  }
  if (!wanted_) return;
  table_ = std::move(*wanted_);
  wanted_.reset();
  table_text_ = table_.encode();
  log::info("master.table", "epoch={} shards={} digest={:016x}", table_.epoch(), table_.shards().size(),
            table_.digest());
  tell_all();
}

void master_state::save_again() {
  saving_again_ = false;
  save();
  if (!saving_again_) log::info("master.saved", "file={}", options_.settings.state_file);
}

bool master_state::knows_table(const member& who) const {
  // While a table waits to be written, a node may be ahead of what was told, and must not be told less.
  return who.epoch > table_.epoch() || (who.epoch == table_.epoch() && who.digest == table_.digest()) ||
         table_.epoch() == 0;
}

cluster_view master_state::view_for(const member& who) const {
  return {options_.incarnation, view_version_, knows_table(who) ? std::string() : table_text_, registry_.nodes()};
}

/// For consoles.
void master_state::show() {
  auto nodes = registry_.nodes();
  std::vector<inspected_process> processes;
  for (const auto& node : nodes)
    processes.push_back({"node", node.name, node.incarnation, node.inspect});
  options_.processes->set(std::move(processes));
  options_.picture->set(nodes, table_.epoch(), table_.digest());
}

void master_state::tell_all(const std::string& except) {
  ++view_version_;
  show();
  for (const auto& [name, who] : members_)
    if (name != except) self_->send(who.handle, view_for(who));
}

} // namespace starling
