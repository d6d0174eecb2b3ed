#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "chat/requests.hpp"
#include "chat/settings.hpp"

namespace starling::cli {

/// Says who a client is: by a token, or in mode "open" by its word; or why it is refused.
using verifier = std::function<std::variant<identity, std::string>(const session_open&)>;

/// Or says what is wrong with the key.
std::variant<verifier, std::string> make_verifier(const auth_settings& auth, std::string key);

/// A verifier that may be replaced while clients come, as with a new key. From any thread.
class current_verifier {
public:
  explicit current_verifier(verifier first) { replace(std::move(first)); }
  void replace(verifier next) { now_.store(std::make_shared<const verifier>(std::move(next))); }
  std::variant<identity, std::string> operator()(const session_open& what) const { return (*now_.load())(what); }

private:
  std::atomic<std::shared_ptr<const verifier>> now_;
};

} // namespace starling::cli
