#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "actors/ports.hpp"

namespace starling::net {

/// Calls the listener until the link is stopped.
class redis_relay final : public redis_listener {
public:
  explicit redis_relay(const std::atomic<bool>& stopped) : stopped_(stopped) {}
  void set(std::shared_ptr<redis_listener> to) { to_ = std::move(to); }
  bool listening() const { return !stopped_ && to_; }

  void up() override {
    if (listening()) to_->up();
  }
  void down(const std::string& reason) override {
    if (listening()) to_->down(reason);
  }
  void cut(const std::string& reason) override {
    if (listening()) to_->cut(reason);
  }
  void mended() override {
    if (listening()) to_->mended();
  }
  void subscribed(std::vector<std::string> channels) override {
    if (listening()) to_->subscribed(std::move(channels));
  }
  void published(std::vector<publication> what) override {
    if (listening()) to_->published(std::move(what));
  }

private:
  const std::atomic<bool>& stopped_;
  std::shared_ptr<redis_listener> to_;
};

} // namespace starling::net
