#include "net/memory_link.hpp"

#include <utility>

namespace starling::net {

namespace {

redis_value unavailable(const std::string& why) { return redis_value::error{"UNAVAILABLE " + why}; }

} // namespace

memory_server::memory_server(memory_redis::clock_function clock)
    : redis_(std::move(clock),
             [this](const std::string& channel, const std::string& payload) { return publish(channel, payload); }) {}

template <class F>
redis_value memory_server::locked(F carry_out) {
  std::vector<std::shared_ptr<memory_link>> to_wake;
  redis_value result;
  {
    std::lock_guard lock(mutex_);
    result = carry_out();
    to_wake.swap(to_wake_);
  }
  for (auto& link : to_wake)
    link->wake();
  return result;
}

redis_value memory_server::call(const script& which, const std::vector<std::string>& keys,
                                const std::vector<std::string>& args) {
  return locked([&] {
    ++runs_[which.sha1];
    auto loaded = redis_.load(which.text);
    return loaded.if_error() ? loaded : redis_.evalsha(which.sha1, keys, args);
  });
}

std::uint64_t memory_server::runs_of(const script& which) {
  std::lock_guard lock(mutex_);
  return runs_[which.sha1];
}

redis_value memory_server::command(const std::vector<std::string>& words) {
  return locked([&] { return redis_.command(words); });
}

void memory_server::clear() {
  std::lock_guard lock(mutex_);
  redis_.clear();
}

void memory_server::subscribe(memory_link& link, const std::vector<std::string>& channels) {
  std::lock_guard lock(mutex_);
  for (auto& channel : channels)
    subscribers_[channel].insert(&link);
}

void memory_server::unsubscribe(memory_link& link, const std::vector<std::string>& channels) {
  std::lock_guard lock(mutex_);
  for (auto& channel : channels) {
    auto found = subscribers_.find(channel);
    if (found == subscribers_.end()) continue;
    found->second.erase(&link);
    if (found->second.empty()) subscribers_.erase(found);
  }
}

void memory_server::detach(memory_link& link) {
  std::lock_guard lock(mutex_);
  for (auto& [channel, links] : subscribers_)
    links.erase(&link);
  std::erase_if(subscribers_, [](auto& entry) { return entry.second.empty(); });
}

std::int64_t memory_server::publish(const std::string& channel, const std::string& payload) {
  auto found = subscribers_.find(channel);
  if (found == subscribers_.end()) return 0;
  for (auto* link : found->second)
    if (auto alive = link->weak_from_this().lock(); alive && alive->deliver(channel, payload))
      to_wake_.push_back(std::move(alive));
  return static_cast<std::int64_t>(found->second.size());
}

memory_link::memory_link(std::shared_ptr<memory_server> server, post_function post,
                         std::shared_ptr<const script_set> scripts, std::size_t commands_waiting)
    : server_(std::move(server)), post_(std::move(post)), scripts_(std::move(scripts)),
      commands_waiting_(commands_waiting) {}

memory_link::~memory_link() { server_->detach(*this); }

void memory_link::start(std::shared_ptr<redis_listener> listener) {
  listener_ = std::move(listener);
  recover();
}

void memory_link::recover() {
  if (!stopped_) enqueue(went_up{});
}

void memory_link::call(std::string_view name, std::vector<std::string> keys, std::vector<std::string> args,
                       reply_handler done) {
  if (!done) done = [](redis_value) {};
  const auto* which = scripts_->find(name);
  {
    std::lock_guard lock(mutex_);
    if (!which) {
      tasks_.push_back(refused_call{std::move(done), "there is no script " + std::string(name)});
    } else if (!open_) {
      tasks_.push_back(refused_call{std::move(done), "the link is down"});
    } else if (calls_waiting_ >= commands_waiting_) {
      ++refused_;
      tasks_.push_back(refused_call{std::move(done), "too many calls are waiting"});
    } else {
      ++calls_waiting_;
      tasks_.push_back(queued_call{which, std::move(keys), std::move(args), std::move(done)});
    }
    if (std::exchange(posted_, true)) return;
  }
  wake();
}

void memory_link::subscribe(std::vector<std::string> channels) { enqueue(channel_change{true, std::move(channels)}); }
void memory_link::unsubscribe(std::vector<std::string> channels) {
  enqueue(channel_change{false, std::move(channels)});
}

void memory_link::stop() {
  if (!stopped_.exchange(true)) end("the link is stopped", true);
}

void memory_link::fail(const std::string& reason) {
  if (!stopped_) end(reason, false);
}

/// Turns what waits into what a lost connection makes of it.
void memory_link::end(const std::string& reason, bool for_good) {
  {
    std::lock_guard lock(mutex_);
    open_ = false;
    calls_waiting_ = 0;
    std::erase_if(tasks_, [&](task& waiting) {
      if (auto* call = std::get_if<queued_call>(&waiting)) waiting = refused_call{std::move(call->done), reason};
      return !std::holds_alternative<refused_call>(waiting) && !std::holds_alternative<went_down>(waiting);
    });
  }
  enqueue(went_down{for_good ? std::string() : reason});
}

bool memory_link::deliver(const std::string& channel, const std::string& payload) {
  for (auto left = to_drop_.load(); left > 0;)
    if (to_drop_.compare_exchange_weak(left, left - 1)) {
      ++dropped_;
      return false;
    }
  std::lock_guard lock(mutex_);
  if (!open_) return false;
  tasks_.push_back(publication{channel, payload});
  return !std::exchange(posted_, true);
}

void memory_link::enqueue(task what) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(what));
    if (std::exchange(posted_, true)) return;
  }
  wake();
}

void memory_link::wake() {
  post_([self = shared_from_this()] { self->run(); });
}

void memory_link::run() {
  for (;;) {
    task next;
    {
      std::lock_guard lock(mutex_);
      if (tasks_.empty()) {
        posted_ = false;
        return;
      }
      next = std::move(tasks_.front());
      tasks_.pop_front();
      if (std::holds_alternative<queued_call>(next)) --calls_waiting_;
    }
    std::visit([this](auto& what) { carry_out(what); }, next);
  }
}

void memory_link::carry_out(queued_call& what) { what.done(server_->call(*what.which, what.keys, what.args)); }

void memory_link::carry_out(refused_call& what) { what.done(unavailable(what.why)); }

void memory_link::carry_out(channel_change& what) {
  {
    std::lock_guard lock(mutex_);
    if (!open_) return;
  }
  if (what.subscribe) {
    server_->subscribe(*this, what.channels);
    if (!stopped_) listener_->subscribed(std::move(what.channels));
  } else {
    server_->unsubscribe(*this, what.channels);
  }
}

void memory_link::carry_out(publication& what) {
  std::vector<publication> all;
  all.push_back(std::move(what));
  {
    std::lock_guard lock(mutex_);
    while (!tasks_.empty() && std::holds_alternative<publication>(tasks_.front())) {
      all.push_back(std::get<publication>(std::move(tasks_.front())));
      tasks_.pop_front();
    }
  }
  if (!stopped_) listener_->published(std::move(all));
}

void memory_link::carry_out(went_up&) {
  if (stopped_) return;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(open_, true)) return;
  }
  listener_->up();
}

void memory_link::carry_out(went_down& what) {
  server_->detach(*this);
  if (stopped_)
    listener_.reset();
  else
    listener_->down(what.reason);
}

std::shared_ptr<memory_link> make_memory_link(std::shared_ptr<memory_server> server, memory_link::post_function post,
                                              std::shared_ptr<const script_set> scripts, std::size_t commands_waiting) {
  auto made = std::make_shared<memory_link>(std::move(server), std::move(post), std::move(scripts), commands_waiting);
  auto* plain = made.get();
  return {plain, [made = std::move(made)](memory_link*) { made->stop(); }};
}

} // namespace starling::net
