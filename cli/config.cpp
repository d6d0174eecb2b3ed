#include "cli/config.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "chat/settings_check.hpp"
#include "cli/field_reader.hpp"

namespace starling::cli {

namespace {

using std::filesystem::path;

/// The fewest insertions, deletions and replacements of a byte that turn one text into the other (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view key) { return key.substr(key.rfind('.') + 1); }

/// Returns the known key that is meant, it seems, by an unknown one; or nothing.
std::string closest(const std::string& key, const std::set<std::string>& known) {
  constexpr std::size_t key_bytes_max = 100; // the work grows with the square
  if (key.size() > key_bytes_max) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, key.size() / 4) + 1;
  for (const std::string& candidate : known) {
    // The right option in the wrong section is as good as a typing error.
    const std::size_t distance = last_part(candidate) == last_part(key) ? 1 : edit_distance(key, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

/// Is this a section, "limits" or "shard[0]", of known keys?
bool is_section(const std::string& key, const std::set<std::string>& known) {
  return std::any_of(known.begin(), known.end(), [&](const std::string& k) { return k.starts_with(key + '.'); });
}

void report_unknown(const config_source& source, const std::set<std::string>& known, std::vector<problem>& out) {
  for (const auto& [key, written] : source.values) {
    if (known.contains(key)) continue;
    if (is_section(key, known)) {
      const auto* other = std::get_if<other_value>(&written.value);
      if (other && other->what == "a table") continue; // an empty section
      out.push_back(
          {written.line,
           complaint(written.where, key, fmt::format("expected a section [{}], found {}", key, show(written.value)))});
      continue;
    }
    const std::string meant = closest(key, known);
    out.push_back(
        {written.line, complaint(written.where, key,
                                 meant.empty() ? "unknown option" : "unknown option; did you mean " + meant + "?")});
  }
}

/// Adds the contradictions among values that are good by themselves.
template <class Settings>
void report_contradictions(const config_source& source, const Settings& settings, const std::set<std::string>& refused,
                           std::vector<problem>& out) {
  for (const contradiction& c : contradictions(settings)) {
    if (refused.contains(c.key)) continue;
    const auto written = source.values.find(c.key);
    if (written != source.values.end()) {
      out.push_back({written->second.line, complaint(written->second.where, c.key,
                                                     fmt::format("expected {}, found {}", c.expected, c.found))});
    } else {
      const std::string text = fmt::format("{}: expected {}, found {}", c.key, c.expected, c.found);
      out.push_back({0, source.file.empty() ? text : source.file + ": " + text});
    }
  }
}

config_source read(const std::optional<path>& file, const std::vector<std::string>& overrides) {
  config_source source;
  if (file) source.read_file(*file);
  for (const std::string& text : overrides)
    source.read_override(text);
  return source;
}

/// Complaints about lines of the file first, in their order, then the others.
load_error in_order(std::vector<problem> problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const problem& a, const problem& b) { return a.line - 1 < b.line - 1; }); // 0 becomes the largest
  load_error error;
  for (problem& p : problems)
    error.lines.push_back(std::move(p.text));
  return error;
}

/// Reads every [[shard]]; their keys are "shard[0].name" and so on.
void read_shards(const config_source& source, field_reader& reader, std::vector<shard_settings>& out) {
  reader.keys.insert("shard");
  for (std::size_t i = 0;; ++i) {
    const std::string section = "shard[" + std::to_string(i) + "]";
    const auto first = source.values.lower_bound(section);
    if (first == source.values.end() || !first->first.starts_with(section)) break;
    field_reader shard_reader(source, section + '.');
    visit_fields(out.emplace_back(), shard_reader);
    reader.keys.merge(shard_reader.keys);
    reader.refused.merge(shard_reader.refused);
    std::move(shard_reader.problems.begin(), shard_reader.problems.end(), std::back_inserter(reader.problems));
  }
  // `shard = 5`, or `[shard]` with one pair of brackets, whose keys are not worth a complaint each.
  const auto wrong = source.values.lower_bound("shard");
  if (wrong == source.values.end() || (wrong->first != "shard" && !wrong->first.starts_with("shard."))) return;
  const std::string found = wrong->first == "shard" ? show(wrong->second.value) : "[shard]";
  reader.refused.insert("shard");
  reader.problems.push_back(
      {wrong->second.line, complaint(wrong->second.where, "shard", "expected tables [[shard]], found " + found)});
  for (auto i = wrong; i != source.values.end() && i->first.starts_with("shard."); ++i)
    reader.keys.insert(i->first);
}

/// Whatever the settings are: what was written goes in, what is wrong comes out.
template <class Settings>
std::variant<Settings, load_error> load(const std::optional<path>& file, const std::vector<std::string>& overrides) {
  const config_source source = read(file, overrides);
  // A file that cannot be read says nothing about its options; complaints about them would be noise.
  if (!source.problems.empty()) return load_error{source.problems};
  Settings settings;
  field_reader reader(source);
  visit_fields(settings, reader);
  if constexpr (std::is_same_v<Settings, master_settings>) read_shards(source, reader, settings.shards);
  report_unknown(source, reader.keys, reader.problems);
  report_contradictions(source, settings, reader.refused, reader.problems);
  if (!reader.problems.empty()) return in_order(std::move(reader.problems));
  return settings;
}

} // namespace

std::variant<node_settings, load_error> load_node_settings(const std::optional<path>& file,
                                                           const std::vector<std::string>& overrides) {
  return load<node_settings>(file, overrides);
}

std::variant<master_settings, load_error> load_master_settings(const std::optional<path>& file,
                                                               const std::vector<std::string>& overrides) {
  return load<master_settings>(file, overrides);
}

std::variant<cluster_settings, load_error> load_cluster_settings(const std::optional<path>& file,
                                                                 const std::vector<std::string>& overrides) {
  config_source source = read(file, overrides);
  if (!source.problems.empty()) return load_error{source.problems};
  std::erase_if(source.values, [&](const auto& entry) {
    return entry.second.where.starts_with(source.file) && !source.file.empty() && !entry.first.starts_with("cluster.");
  });
  cluster_settings settings;
  field_reader reader(source);
  visit_fields(settings, reader);
  report_unknown(source, reader.keys, reader.problems);
  if (!reader.problems.empty()) return in_order(std::move(reader.problems));
  return settings;
}

} // namespace starling::cli
