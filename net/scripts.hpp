#pragma once

#include <map>
#include <string>
#include <string_view>

namespace starling::net {

/// A Lua script that runs inside a shard.
struct script {
  std::string name; // its file's, without ".lua"
  std::string text; // the prelude's included
  std::string sha1; // of `text`, in lower hex: what EVALSHA calls it by
};

/// Returns the SHA1 of `text` in lower hex.
std::string sha1_hex(std::string_view text);

/// The scripts that calls may name. Never changes, so links of many threads may share one.
class script_set {
public:
  /// The files of net/scripts: "prelude.lua" stands before the text of every other.
  static script_set embedded();
  /// Scripts by name, as they are, without a prelude.
  explicit script_set(const std::map<std::string, std::string>& texts);

  /// Returns nullptr if there is none of this name. The script lives as long as the set.
  const script* find(std::string_view name) const;
  auto begin() const { return scripts_.begin(); }
  auto end() const { return scripts_.end(); }
  std::size_t size() const { return scripts_.size(); }

private:
  std::map<std::string, script, std::less<>> scripts_;
};

} // namespace starling::net
