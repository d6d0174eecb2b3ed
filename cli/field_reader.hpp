#pragma once

#include <set>
#include <string>
#include <vector>

#include "chat/settings_fields.hpp"
#include "cli/config_source.hpp"

namespace starling::cli {

/// One complaint, with the line that it is about for putting them in order.
struct problem {
  std::size_t line;
  std::string text;
};

/// A visitor of settings: puts into each field what is written for it, if that obeys the field's rule.
class field_reader {
public:
  explicit field_reader(const config_source& source, std::string prefix = {})
      : source_(source), prefix_(std::move(prefix)) {}

  void operator()(std::string_view key, std::size_t& field, const count_rule& rule);
  void operator()(std::string_view key, std::uint32_t& field, const count_rule& rule);
  void operator()(std::string_view key, std::size_t& field, const size_rule& rule);
  void operator()(std::string_view key, milliseconds& field, const duration_rule& rule);
  void operator()(std::string_view key, double& field, const number_rule& rule);
  void operator()(std::string_view key, bool& field, const switch_rule& rule);
  void operator()(std::string_view key, std::string& field, const word_rule& rule);
  void operator()(std::string_view key, std::string& field, const name_rule& rule);
  void operator()(std::string_view key, std::string& field, const listen_rule& rule);
  void operator()(std::string_view key, std::string& field, const shard_address_rule& rule);
  void operator()(std::string_view key, std::string& field, const url_rule& rule);
  void operator()(std::string_view key, std::string& field, const file_rule& rule);
  void operator()(std::string_view key, std::vector<std::string>& field, const levels_rule& rule);
  void operator()(std::string_view key, std::vector<std::string>& field, const origins_rule& rule);
  void operator()(std::string_view key, std::vector<std::string>& field, const addresses_rule& rule);

  /// The keys visited, and what was wrong with what is written for them.
  std::set<std::string> keys;
  std::set<std::string> refused;
  std::vector<problem> problems;

private:
  /// Returns what is written for a key, or nothing.
  const written_value* find(std::string_view key);
  void refuse(std::string_view key, const written_value& written, const std::string& expected);
  /// Returns the text written for a key, or nothing, having complained if it is no text.
  const std::string* text(std::string_view key, const written_value* written, const std::string& expected);
  /// Takes a list of texts, each of which is `good`, and is described by `item`.
  void list(std::string_view key, std::vector<std::string>& field, const std::string& item,
            bool (*good)(std::string_view));

  const config_source& source_;
  std::string prefix_;
};

/// Shows a value as it might be written: `5`, `"abc"`, `a date or time`.
std::string show(const plain_value& value);

} // namespace starling::cli
