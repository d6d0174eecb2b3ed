#include "actors/shard.hpp"

#include <algorithm>
#include <charconv>

#include "actors/counters.hpp"
#include "actors/describe.hpp"
#include "actors/trace.hpp"
#include "chat/redis_denial.hpp"

namespace starling {
namespace {

/// Feeds whose tails one script call reads: enough to make the check cheap, few enough not to hold Redis up.
constexpr std::size_t feeds_per_check = 128;
/// The feeds are looked at in as many lots, one after the other, so that a check is no burst of work for anybody.
constexpr int lots_per_check = 10;
constexpr int whole_round = lots_per_check + 1; // the table may have grown under way

/// Passes on to the actor what the link tells, from whatever thread.
class link_to_actor : public redis_listener {
public:
  link_to_actor(shard_actor to, std::string shard) : to_(std::move(to)), shard_(std::move(shard)) {}
  void up() override { caf::anon_send(to_, link_up{}); }
  void down(const std::string& reason) override { caf::anon_send(to_, link_down{reason}); }
  void cut(const std::string& reason) override { caf::anon_send(to_, link_cut{reason}); }
  void mended() override { caf::anon_send(to_, link_mended{}); }
  void subscribed(std::vector<std::string> channels) override {
    caf::anon_send(to_, link_subscribed{std::move(channels)});
  }
  void published(std::vector<publication> what) override {
    if (auto now = tracer::stamp(); now != trace_time{}) note_marks(what, now);
    caf::anon_send(to_, link_published{std::move(what)});
  }

private:
  void note_marks(const std::vector<publication>& all, trace_time now) const {
    for (auto& one : all)
      if (auto mark = read_trace_mark(one.payload))
        tracer::instance().note_mark(mark->number, feed_of(one.channel).id, mark->at, now, "shard " + shard_);
  }

  shard_actor to_;
  std::string shard_;
};

/// What a shard has said to the script of a traced message.
void note_answer(trace_number number, const redis_value& answer) {
  auto outcome = read_appended(answer);
  auto* done = std::get_if<appended>(&outcome);
  if (done) tracer::instance().note_place(number, done->at);
  tracer::instance().note(number, hop::answered,
                          done ? fmt::format("epoch {} seq {}", done->at.epoch, done->at.seq) : "not appended");
}

} // namespace

shard_state::~shard_state() {
  if (options_.link) options_.link->stop();
}

void shard_state::start(shard_options options) {
  options_ = std::move(options);
  options_.link->start(std::make_shared<link_to_actor>(shard_actor(self_), options_.shard.name));
  check_tails();
}

void shard_state::call(script_call what, handler done) {
  auto number = ++calls_;
  pending_.emplace(number, std::move(done));
  what.keys.insert(what.keys.begin(), std::string(shard_record));
  what.args.insert(what.args.begin(), what.script == "shard_claim" ? "-" : std::to_string(table_->epoch()));
  if (what.trace != 0)
    tracer::instance().note(what.trace, hop::script_sent,
                            fmt::format("shard {}, actor {}", options_.shard.name, self_->id()));
  options_.link->call(what.script, std::move(what.keys), std::move(what.args),
                      [to = shard_actor(self_), number, trace = what.trace](redis_value answer) {
                        if (trace != 0) note_answer(trace, answer);
                        caf::anon_send(to, link_answered{number, std::move(answer)});
                      });
}

caf::result<redis_value> shard_state::run(script_call& what) {
  if (!works()) return redis_value(redis_value::error{"UNAVAILABLE shard " + options_.shard.name});
  auto promise = self_->make_response_promise<redis_value>();
  call(std::move(what), [promise](redis_value& answer) mutable { promise.deliver(std::move(answer)); });
  return promise;
}

/// Does the shard refuse since it was emptied, or has not heard of our table? (Of a newer one we shall hear ourselves.)
bool shard_state::is_behind(std::string_view error) const {
  constexpr std::string_view stale = "STALE ";
  if (!error.starts_with(stale)) return false;
  error.remove_prefix(stale.size());
  std::uint64_t its_epoch = 0;
  std::from_chars(error.data(), error.data() + error.size(), its_epoch);
  return its_epoch < table_->epoch();
}

void shard_state::answered(link_answered& what) {
  auto i = pending_.find(what.call);
  if (i == pending_.end()) return;
  auto done = std::move(i->second);
  pending_.erase(i);
  auto* error = what.answer.if_error();
  if (error && (is_behind(error->text) || (works() && is_denied(*error)))) claim();
  done(what.answer);
}

void shard_state::subscribe(subscribe_feed& what) {
  auto channel = channel_of(what.feed);
  auto& feed = feeds_[channel];
  feed = {std::move(what.reader), {}, false};
  if (state_ == shard_state_kind::up)
    options_.link->subscribe({std::move(channel)});
  else
    self_->send(feed.reader, feed_down{std::move(what.feed),
                                       state_ == shard_state_kind::down || state_ == shard_state_kind::foreign});
}

void shard_state::unsubscribe(const unsubscribe_feed& what) {
  auto channel = channel_of(what.feed);
  if (feeds_.erase(channel) > 0 && state_ == shard_state_kind::up) options_.link->unsubscribe({std::move(channel)});
}

bool shard_state::owns(const feed_name& feed) const {
  if (table_->shards().empty()) return false;
  auto& owner = table_->shards()[table_->shard_index_of(slot_of(key_of(feed)))];
  return owner.name == options_.shard.name && owner.address == options_.shard.address;
}

void shard_state::use(const use_table& what) {
  table_ = what.table;
  if (linked_) claim();
  for (auto i = feeds_.begin(); i != feeds_.end();) {
    auto name = feed_of(i->first);
    if (owns(name)) {
      ++i;
      continue;
    }
    if (state_ == shard_state_kind::up) options_.link->unsubscribe({i->first});
    self_->send(options_.router, subscribe_feed{std::move(name), i->second.reader});
    i = feeds_.erase(i);
  }
}

void shard_state::connected() {
  linked_ = true;
  if (table_) claim();
}

/// Makes sure that this Redis is the one that it should be, before anything is written into it.
void shard_state::claim() {
  if (std::exchange(claiming_, true)) return;
  call(call_shard_claim(options_.cluster, options_.shard.name, table_->epoch()),
       [this](redis_value& answer) { claimed(answer); });
}

void shard_state::claimed(const redis_value& answer) {
  claiming_ = false;
  if (auto* error = answer.if_error()) {
    // The link is gone again, and the shard will be asked when it is back; or it is short of something for a moment.
    if (error->text.starts_with("UNAVAILABLE") || (works() && !is_denied(*error))) return;
    return refused(error->text);
  }
  if (auto* word = answer.if_string()) {
    if (word->starts_with("DENIED ")) return refused("its ACL has " + *word);
    become(shard_state_kind::foreign, *word);
    log::error("shard.foreign", "shard={} address={} belongs_to=\"{}\"", options_.shard.name, options_.shard.address,
               *word);
    return;
  }
  begin_round();
  auto epoch = static_cast<std::uint64_t>(answer.at(0).to_int());
  if (epoch > table_->epoch())
    log::warn("shard.newer_table", "shard={} its_epoch={} our_epoch={}", options_.shard.name, epoch, table_->epoch());
  if (works()) return;
  become(shard_state_kind::up, {});
  subscribe_all();
}

/// Redis is there, but does not let us work: `check_tails` asks again, until somebody has mended the ACL.
void shard_state::refused(std::string reason) {
  const bool worked = works();
  become(shard_state_kind::down, std::move(reason));
  if (worked) silence_feeds(true);
}

void shard_state::subscribe_all() {
  std::vector<std::string> channels;
  for (auto& [channel, feed] : feeds_)
    channels.push_back(channel);
  if (!channels.empty()) options_.link->subscribe(std::move(channels));
}

void shard_state::lost(const link_down& what) {
  linked_ = false;
  become(shard_state_kind::down, what.reason);
  silence_feeds(true);
}

void shard_state::cut(const link_cut& what) {
  if (state_ != shard_state_kind::up) return;
  become(shard_state_kind::deaf, what.reason);
  silence_feeds(false);
}

void shard_state::mended() {
  if (state_ != shard_state_kind::deaf && state_ != shard_state_kind::up) return; // the claim is not answered yet
  become(shard_state_kind::up, {});
  subscribe_all();
}

void shard_state::silence_feeds(bool shard_away) {
  for (auto& [channel, feed] : feeds_) {
    feed.confirmed = false;
    feed.seen.reset();
    self_->send(feed.reader, feed_down{feed_of(channel), shard_away});
  }
}

void shard_state::become(shard_state_kind state, std::string detail) {
  if (state != state_ || detail != detail_) {
    if (state == shard_state_kind::up)
      log::info("shard.up", "shard={} address={}", options_.shard.name, options_.shard.address);
    else
      log::warn(state == shard_state_kind::deaf ? "shard.deaf" : "shard.down", "shard={} address={} reason=\"{}\"",
                options_.shard.name, options_.shard.address, detail);
  }
  state_ = state;
  detail_ = detail;
  self_->send(options_.router, shard_report{options_.shard.name, options_.shard.address, state, std::move(detail)});
}

void shard_state::confirmed(const link_subscribed& what) {
  for (auto& channel : what.channels) {
    auto i = feeds_.find(channel);
    if (i == feeds_.end() || i->second.confirmed) continue;
    i->second.confirmed = true;
    i->second.seen.reset();
    i->second.round = 0;
    lots_left_ = whole_round;
    self_->send(i->second.reader, feed_up{feed_of(channel)});
  }
}

void shard_state::note_step(read_feed& feed, std::string_view payload) {
  if (!feed.seen) return; // the next check finds out
  auto step = step_of(payload);
  if (step.at) feed.seen->at = *step.at;
  if (step.version) feed.seen->version = *step.version;
}

void shard_state::published(link_published& what) {
  for (std::size_t i = 0; i < what.what.size();) {
    // What came in a row for one feed goes to its reader in one message.
    auto end = i + 1;
    while (end < what.what.size() && what.what[end].channel == what.what[i].channel)
      ++end;
    auto found = feeds_.find(what.what[i].channel);
    if (found != feeds_.end()) {
      feed_news news{feed_of(found->first), {}};
      news.payloads.reserve(end - i);
      for (auto k = i; k < end; ++k) {
        note_step(found->second, what.what[k].payload);
        news.payloads.push_back(std::move(what.what[k].payload));
      }
      self_->send(found->second.reader, std::move(news));
    } else {
      actor_counters::instance().publications_in_vain += end - i;
    }
    i = end;
  }
}

/// While nobody writes to the shard, its feeds need not be looked at one by one. Where the count itself is lost, all
/// are looked at again: a Redis that was restarted has cut the link, one that was emptied is claimed anew.
void shard_state::check_tails() {
  self_->delayed_send(self_, std::max(options_.tail_check / lots_per_check, milliseconds(1)), starling::check_tails{});
  if (linked_ && table_ && state_ == shard_state_kind::down) claim();
  if (state_ != shard_state_kind::up || feeds_.empty()) return;
  call(call_changes(), [this](redis_value& answer) {
    auto outcome = read_changes(answer);
    auto* now = std::get_if<std::uint64_t>(&outcome);
    if (!now) return;
    if (std::exchange(changes_, *now) != *now) begin_round();
    if (lots_left_ > 0) check_lot();
  });
}

void shard_state::begin_round() {
  if (++round_ == 0) round_ = 1;
  lots_left_ = whole_round;
}

/// Goes on with the feeds where the last lot ended, and round again, past those that were looked at since the shard
/// last changed. The buckets of the table serve as their order: when it grows, some feeds may be met twice or not in
/// this round.
void shard_state::check_lot() {
  --lots_left_;
  std::vector<feed_name> chunk;
  for (auto left = feeds_.bucket_count() / lots_per_check + 1; left > 0; --left) {
    if (++checked_bucket_ >= feeds_.bucket_count()) checked_bucket_ = 0;
    for (auto i = feeds_.begin(checked_bucket_); i != feeds_.end(checked_bucket_); ++i) {
      if (!i->second.confirmed || i->second.round == round_) continue;
      chunk.push_back(feed_of(i->first));
      if (chunk.size() == feeds_per_check) check_chunk(std::exchange(chunk, {}));
    }
  }
  if (!chunk.empty()) check_chunk(std::move(chunk));
}

void shard_state::check_chunk(std::vector<feed_name> names) {
  auto what = call_tails(names);
  call(std::move(what), [this, round = round_, names = std::move(names)](redis_value& answer) {
    auto tails = read_tails(answer);
    auto* list = std::get_if<std::vector<feed_tail>>(&tails);
    if (!list || list->size() != names.size()) return;
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto found = feeds_.find(channel_of(names[i]));
      if (found == feeds_.end() || !found->second.confirmed) continue;
      found->second.round = round;
      if (found->second.seen == (*list)[i]) continue;
      found->second.seen = (*list)[i];
      self_->send(found->second.reader, feed_moved{names[i], (*list)[i]});
    }
  });
}

std::string shard_state::describe() const {
  json_object it;
  auto confirmed = std::count_if(feeds_.begin(), feeds_.end(), [](auto& entry) { return entry.second.confirmed; });
  it.add("state", name_of(state_))
      .add("linked", linked_)
      .add("claiming", claiming_)
      .add("epoch", table_ ? table_->epoch() : 0)
      .add("calls", calls_)
      .add("calls_waiting", pending_.size())
      .add("subscriptions_confirmed", static_cast<std::uint64_t>(confirmed))
      .add("changes", changes_)
      .add("lots_left", static_cast<std::uint64_t>(lots_left_));
  add_list(it, "subscriptions", feeds_, [](const auto& entry) {
    return json_object().add("channel", entry.first).add("confirmed", entry.second.confirmed).text();
  });
  return it.text();
}

shard_actor::behavior_type shard(shard_self self, shard_options options) {
  self->observe("shard", options.shard.name);
  auto& state = self->state;
  state.start(std::move(options));
  return {
      [&state](script_call& what) { return state.run(what); },
      [&state](subscribe_feed& what) { state.subscribe(what); },
      [&state](const unsubscribe_feed& what) { state.unsubscribe(what); },
      [&state](const use_table& what) { state.use(what); },
      [&state](const link_up&) { state.connected(); },
      [&state](const link_down& what) { state.lost(what); },
      [&state](const link_cut& what) { state.cut(what); },
      [&state](const link_mended&) { state.mended(); },
      [&state](const link_subscribed& what) { state.confirmed(what); },
      [&state](link_published& what) { state.published(what); },
      [&state](link_answered& what) { state.answered(what); },
      [&state](const check_tails&) { state.check_tails(); },
  };
}

} // namespace starling
