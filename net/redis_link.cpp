#include "net/redis_link.hpp"

#include <algorithm>
#include <mutex>
#include <random>
#include <utility>

#include <boost/asio/defer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/redis_commands.hpp"
#include "net/redis_relay.hpp"
#include "net/redis_subscriber.hpp"

namespace starling::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Channels to subscribe to, or to leave.
struct channel_change {
  bool subscribe;
  std::vector<std::string> channels;
};

class network_link final : public hiredis_link, public std::enable_shared_from_this<network_link> {
public:
  network_link(asio::io_context& io, const shard_settings& shard, redis_settings settings, std::string password,
               std::shared_ptr<const script_set> scripts)
      : strand_(asio::make_strand(io)), shard_(shard),
        settings_(std::move(settings)), who_{settings_.user, std::move(password)}, scripts_(std::move(scripts)),
        attempt_timer_(strand_), answer_timer_(strand_), silence_timer_(strand_), listen_timer_(strand_) {}

  void start(std::shared_ptr<redis_listener> listener) override;
  void call(std::string_view script, std::vector<std::string> keys, std::vector<std::string> args,
            reply_handler done) override;
  void command(std::vector<std::string> words, reply_handler done) override;
  void subscribe(std::vector<std::string> channels) override { change({true, std::move(channels)}); }
  void unsubscribe(std::vector<std::string> channels) override { change({false, std::move(channels)}); }
  void stop() override;
  const redis_counters& counters() const override { return counters_; }

private:
  // From any thread.
  void change(channel_change what);
  void take(redis_call what);
  void refuse(reply_handler done, std::string why);
  void wake(bool posted_before);

  // On the strand.
  void attempt();
  void half_ready(unsigned half);
  void drain();
  void lost(std::uint64_t session, const std::string& reason);
  void listen();
  void subscriber_lost(std::uint64_t listening, const std::string& reason);
  void let_go(const std::string& reason);
  void watch_answers();
  void watch_silence();
  milliseconds next_wait();
  redis_half_events events(unsigned half);
  template <class F>
  void after(asio::steady_timer& timer, milliseconds time, F then);

  asio::strand<asio::io_context::executor_type> strand_;
  const shard_settings shard_;
  const redis_settings settings_;
  const redis_credentials who_;
  const std::shared_ptr<const script_set> scripts_;
  redis_counters counters_;
  std::atomic<bool> stopped_ = false;
  redis_relay listener_{stopped_};

  std::mutex mutex_; // guards the next four
  bool open_ = false;
  bool posted_ = false; // a drain is on its way
  std::vector<redis_call> calls_;
  std::vector<channel_change> changes_;

  // The rest belongs to the strand.
  asio::steady_timer attempt_timer_; // the deadline of an attempt, then the wait before the next
  asio::steady_timer answer_timer_;
  asio::steady_timer silence_timer_;
  asio::steady_timer listen_timer_; // the same as attempt_timer_, for the subscription connection alone
  std::uint64_t session_ = 0;   // changes with each attempt and loss: what was started for an older one does nothing
  std::uint64_t listening_ = 0; // changes likewise with each subscription connection
  bool cut_ = false;            // the subscription connection alone is lost
  std::unique_ptr<redis_commands> commands_;
  std::unique_ptr<redis_subscriber> subscriber_; // nothing while cut
  unsigned halves_ready_ = 0;                    // bits
  unsigned failed_attempts_ = 0;
  bool watching_answers_ = false;
  std::string reason_told_;
  std::minstd_rand random_{std::random_device{}()};
  std::vector<redis_call> draining_calls_; // room for `drain`
  std::vector<channel_change> draining_changes_;
};

constexpr unsigned commands_half = 1, subscriber_half = 2, both_halves = 3;

redis_value unavailable(const std::string& why) { return redis_value::error{"UNAVAILABLE " + why}; }

void network_link::start(std::shared_ptr<redis_listener> listener) {
  asio::post(strand_, [self = shared_from_this(), to = std::move(listener)]() mutable {
    if (self->stopped_) return;
    self->listener_.set(std::move(to));
    self->attempt();
  });
}

void network_link::call(std::string_view name, std::vector<std::string> keys, std::vector<std::string> args,
                        reply_handler done) {
  if (!done) done = [](redis_value) {};
  if (const auto* which = scripts_->find(name)) return take({which, std::move(keys), std::move(args), std::move(done)});
  ++counters_.calls;
  refuse(std::move(done), "there is no script " + std::string(name));
}

void network_link::command(std::vector<std::string> words, reply_handler done) {
  take({nullptr, {}, std::move(words), std::move(done)});
}

void network_link::take(redis_call what) {
  ++counters_.calls;
  bool posted = true, open = false, taken = false;
  {
    std::lock_guard lock(mutex_);
    open = open_;
    if (open && counters_.waiting < settings_.commands_waiting) {
      ++counters_.waiting;
      calls_.push_back(std::move(what));
      posted = std::exchange(posted_, true);
      taken = true;
    }
  }
  if (taken) return wake(posted);
  // What was moved has been taken, and is not refused. NOLINTBEGIN(bugprone-use-after-move)
  if (!open) return refuse(std::move(what.done), shard_.name + " is down");
  ++counters_.refused;
  refuse(std::move(what.done), shard_.name + " has too many calls waiting");
  // NOLINTEND(bugprone-use-after-move)
}

void network_link::change(channel_change what) {
  bool posted = true;
  {
    std::lock_guard lock(mutex_);
    if (!open_) return;
    changes_.push_back(std::move(what));
    posted = std::exchange(posted_, true);
  }
  wake(posted);
}

void network_link::wake(bool posted_before) {
  if (!posted_before) asio::defer(strand_, [self = shared_from_this()] { self->drain(); });
}

void network_link::refuse(reply_handler done, std::string why) {
  ++counters_.failures;
  asio::post(strand_, [done = std::move(done), why = std::move(why)] { done(unavailable(why)); });
}

void network_link::stop() {
  if (stopped_.exchange(true)) return;
  asio::post(strand_, [self = shared_from_this()] {
    self->let_go(self->shard_.name + " is stopped");
    self->attempt_timer_.cancel();
    self->listener_.set(nullptr);
  });
}

void network_link::drain() {
  {
    std::lock_guard lock(mutex_);
    posted_ = false;
    calls_.swap(draining_calls_);
    changes_.swap(draining_changes_);
  }
  if (!commands_) return; // lost since: `let_go` has answered, and both are empty
  if (!cut_) {
    for (auto& change : draining_changes_)
      change.subscribe ? subscriber_->subscribe(change.channels) : subscriber_->unsubscribe(change.channels);
    if (!draining_changes_.empty()) subscriber_->flush();
  }
  draining_changes_.clear();
  if (draining_calls_.empty()) return;
  for (auto& call : draining_calls_)
    commands_->send(std::move(call));
  draining_calls_.clear();
  commands_->flush();
  if (!std::exchange(watching_answers_, true)) watch_answers();
}

void network_link::attempt() {
  const auto session = ++session_;
  halves_ready_ = 0;
  commands_ = std::make_unique<redis_commands>(strand_, weak_from_this(), *scripts_, counters_, events(commands_half));
  const auto where = parse_redis_address(shard_.address);
  if (!where) return lost(session, "the address must be redis://host:port or unix:///path");
  after(attempt_timer_, settings_.connect,
        [this] { lost(session_, "no connection within " + std::to_string(settings_.connect.count()) + " ms"); });
  commands_->open(*where, who_);
  listen();
}

void network_link::listen() {
  ++listening_;
  subscriber_ = std::make_unique<redis_subscriber>(strand_, weak_from_this(), settings_.channels_per_command, listener_,
                                                   counters_, events(subscriber_half));
  subscriber_->open(*parse_redis_address(shard_.address), who_);
}

/// The events of the connections made now. What they cause is posted, since it may destroy the connection
/// that they come from.
redis_half_events network_link::events(unsigned half) {
  return {[this, half] {
            asio::post(strand_, [self = shared_from_this(), session = session_, half] {
              if (session == self->session_ && self->commands_) self->half_ready(half);
            });
          },
          [this, half, session = session_, listening = listening_](const std::string& reason) {
            asio::post(strand_, [self = shared_from_this(), half, session, listening, reason] {
              if (half == subscriber_half)
                self->subscriber_lost(listening, reason);
              else
                self->lost(session, reason);
            });
          }};
}

void network_link::half_ready(unsigned half) {
  if (half == subscriber_half && std::exchange(cut_, false)) {
    listen_timer_.cancel();
    failed_attempts_ = 0;
    watch_silence();
    return listener_.mended();
  }
  halves_ready_ |= half;
  if (halves_ready_ != both_halves) return;
  attempt_timer_.cancel();
  failed_attempts_ = 0;
  reason_told_.clear();
  {
    std::lock_guard lock(mutex_);
    open_ = true;
  }
  watch_silence();
  listener_.up();
}

void network_link::lost(std::uint64_t session, const std::string& reason) {
  if (session != session_ || !commands_ || stopped_) return;
  const auto text = shard_.name + " at " + shard_.address + ": " + reason;
  let_go(text);
  after(attempt_timer_, next_wait(), [this] {
    ++counters_.reconnects;
    attempt();
  });
  if (std::exchange(reason_told_, text) != text) listener_.down(text);
}

/// What is published is missed now, but commands go on: only this connection is made anew.
void network_link::subscriber_lost(std::uint64_t listening, const std::string& reason) {
  if (listening != listening_ || !commands_ || stopped_) return;
  if (halves_ready_ != both_halves) return lost(session_, reason);
  ++listening_;
  subscriber_.reset();
  counters_.channels = 0;
  silence_timer_.cancel();
  if (!std::exchange(cut_, true)) listener_.cut(shard_.name + " at " + shard_.address + ": " + reason);
  after(listen_timer_, next_wait(), [this] {
    ++counters_.reconnects;
    listen();
    after(listen_timer_, settings_.connect,
          [this, mine = listening_] { subscriber_lost(mine, "no connection in time"); });
  });
}

/// Ends both connections, and answers all calls.
void network_link::let_go(const std::string& reason) {
  std::vector<redis_call> queued;
  {
    std::lock_guard lock(mutex_);
    open_ = false;
    queued = std::exchange(calls_, {});
    changes_.clear();
  }
  ++session_;
  std::deque<redis_call> unanswered;
  if (commands_) unanswered = commands_->close();
  commands_.reset();
  subscriber_.reset();
  ++listening_;
  cut_ = false;
  counters_.channels = 0;
  listen_timer_.cancel();
  answer_timer_.cancel();
  silence_timer_.cancel();
  watching_answers_ = false;
  const auto error = unavailable(reason);
  auto fail = [&](redis_call& call) {
    --counters_.waiting;
    ++counters_.failures;
    call.done(error);
  };
  for (auto& call : unanswered)
    fail(call);
  for (auto& call : queued)
    fail(call);
}

milliseconds network_link::next_wait() {
  const auto least = std::max<milliseconds::rep>(settings_.backoff_min.count(), 1);
  const auto most =
      std::max(least, std::min(settings_.backoff_max.count(), least << std::min(failed_attempts_ + 1, 20U)));
  ++failed_attempts_;
  return milliseconds(std::uniform_int_distribution<milliseconds::rep>(least, most)(random_));
}

/// One deadline for the oldest call is enough, since Redis answers in order; it is looked at now and then.
void network_link::watch_answers() {
  after(answer_timer_, std::clamp(settings_.answer / 20, milliseconds(5), milliseconds(100)), [this] {
    if (commands_->idle()) {
      watching_answers_ = false;
    } else if (commands_->overdue(settings_.answer)) {
      ++counters_.timeouts;
      lost(session_, "no answer within " + std::to_string(settings_.answer.count()) + " ms");
    } else {
      watch_answers();
    }
  });
}

/// If calls have been answered meanwhile, Redis is there, and only this connection is given up.
void network_link::watch_silence() {
  after(silence_timer_, settings_.silence, [this, mine = listening_, answers = commands_->answers()] {
    if (mine != listening_) return;
    if (subscriber_->probe(settings_.missed_pings)) return watch_silence();
    ++counters_.timeouts;
    const std::string reason = "the subscription connection is silent";
    if (commands_->answers() != answers) return subscriber_lost(mine, reason);
    lost(session_, reason);
  });
}

/// Runs `then` unless the session has ended by then. Cancelling is not enough: the handler may be on its way already.
template <class F>
void network_link::after(asio::steady_timer& timer, milliseconds time, F then) {
  timer.expires_after(time);
  timer.async_wait([self = shared_from_this(), session = session_, then](error_code ec) {
    if (!ec && session == self->session_ && !self->stopped_) then();
  });
}

} // namespace

std::shared_ptr<hiredis_link> make_redis_link(asio::io_context& io, const shard_settings& shard,
                                              const redis_settings& settings, std::string password,
                                              std::shared_ptr<const script_set> scripts) {
  auto made = std::make_shared<network_link>(io, shard, settings, std::move(password), std::move(scripts));
  auto* plain = made.get();
  return {plain, [made = std::move(made)](hiredis_link*) { made->stop(); }};
}

} // namespace starling::net
