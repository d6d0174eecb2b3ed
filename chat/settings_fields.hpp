#pragma once

#include <array>
#include <limits>
#include <string_view>

#include "chat/settings.hpp"

/// Every option of the configuration, once: its key, where its value lives, and which values make sense.
///
/// `visit_fields(settings, visitor)` calls `visitor(key, value, rule)` for each. Whoever reads, overrides, prints or
/// compares settings is a visitor; the key is "section.option", as in the TOML files and in `--set`.
namespace starling {

/// A number of things; written as an integer.
struct count_rule {
  std::size_t min = 1;
  std::size_t max = 1'000'000;
};

/// A number of bytes; written as an integer or as text with a unit ("64KiB").
struct size_rule {
  std::size_t min = 1;
  std::size_t max = 1024 * 1024 * 1024;
};

/// A duration; written as text with a unit ("10s").
struct duration_rule {
  milliseconds min{1};
  milliseconds max{24 * 60 * 60 * 1000};
};

/// A number that need not be whole.
struct number_rule {
  double min = 0;
  double max = 1'000'000;
};

struct switch_rule {};

/// One word of a few.
struct word_rule {
  std::array<std::string_view, 6> words{};
};

/// [A-Za-z0-9._-]{1,64}
struct name_rule {
  bool may_be_empty = false;
};

/// host:port
struct listen_rule {
  bool any_port = false; // may the port be 0, "whichever is free"?
};

/// The address of a shard, see `why_bad_shard_address`.
struct shard_address_rule {};

/// ws://... or wss://..., or nothing.
struct url_rule {};

/// The name of a file. A relative one is relative to the folder of the configuration file that it stands in, or to the
/// working directory if it came from the command line.
struct file_rule {
  bool may_be_empty = true;
};

/// "component=level", any number of them.
struct levels_rule {};

/// Origins of web pages (RFC 6454), "https://chat.example.org", any number of them.
struct origins_rule {};

/// IP addresses, any number of them.
struct addresses_rule {};

inline constexpr word_rule level_words{{"trace", "debug", "info", "warn", "error", "off"}};

/// Bounds of numbers of things that cost memory each.
inline constexpr count_rule up_to_a_million{1, 1'000'000};
inline constexpr std::size_t shards_max = 256;
inline constexpr std::size_t list_items_max = 64; // of a list of levels, origins or addresses

template <class Visitor>
void visit_fields(cluster_settings& s, Visitor&& v) {
  v("cluster.id", s.id, name_rule{});
  v("cluster.master", s.master, listen_rule{});
  v("cluster.token_file", s.token_file, file_rule{});
  v("cluster.heartbeat", s.heartbeat, duration_rule{milliseconds(10), milliseconds(60'000)});
  v("cluster.dead_after", s.dead_after, duration_rule{milliseconds(20), milliseconds(600'000)});
  v("cluster.connect", s.connect, duration_rule{milliseconds(10), milliseconds(60'000)});
  v("cluster.tls.ca", s.tls.ca, file_rule{});
  v("cluster.tls.certificate", s.tls.certificate, file_rule{});
  v("cluster.tls.key", s.tls.key, file_rule{});
}

template <class Visitor>
void visit_fields(log_settings& s, Visitor&& v) {
  v("log.format", s.format, word_rule{{"text", "json"}});
  v("log.level", s.level, level_words);
  v("log.levels", s.levels, levels_rule{});
  v("log.flight_directory", s.flight_directory, file_rule{});
}

/// A shard's keys stand without their section, since it is a list: [[shard]].
template <class Visitor>
void visit_fields(shard_settings& s, Visitor&& v) {
  v("name", s.name, name_rule{});
  v("address", s.address, shard_address_rule{});
  v("weight", s.weight, count_rule{1, 1000});
}

/// All but the shards, of which there may be any number.
template <class Visitor>
void visit_fields(master_settings& s, Visitor&& v) {
  v("master.state_file", s.state_file, file_rule{.may_be_empty = false});
  v("master.accept_moved_slots", s.accept_moved_slots, switch_rule{});
  visit_fields(s.cluster, v);
  visit_fields(s.log, v);
}

template <class Visitor>
void visit_fields(auth_settings& s, Visitor&& v) {
  v("auth.mode", s.mode, word_rule{{"open", "token"}});
  v("auth.open_beyond_loopback", s.open_beyond_loopback, switch_rule{});
  v("auth.algorithm", s.algorithm, word_rule{{"HS256", "RS256", "ES256"}});
  v("auth.key_file", s.key_file, file_rule{});
}

template <class Visitor>
void visit_fields(limits& s, Visitor&& v) {
  constexpr std::size_t kib = 1024;
  v("limits.frame_bytes", s.frame_bytes, size_rule{1 * kib, 16 * kib * kib});
  v("limits.text_bytes", s.text_bytes, size_rule{1, 16 * kib * kib});
  v("limits.data_bytes", s.data_bytes, size_rule{1, 16 * kib * kib});
  v("limits.room_id_bytes", s.room_id_bytes, count_rule{1, 1024});
  v("limits.title_bytes", s.title_bytes, size_rule{1, 64 * kib});
  v("limits.batch_requests", s.batch_requests, count_rule{1, 1000});
  v("limits.outbox_bytes", s.outbox_bytes, size_rule{4 * kib, 1024 * kib * kib});
  v("limits.requests_in_flight", s.requests_in_flight, count_rule{1, 10'000});
  v("limits.requests_per_second", s.requests_per_second, number_rule{0.1, 1'000'000});
  v("limits.requests_burst", s.requests_burst, number_rule{1, 1'000'000});
  v("limits.refusals_before_close", s.refusals_before_close, up_to_a_million);
  v("limits.rooms_per_user", s.rooms_per_user, count_rule{1, 100'000});
  v("limits.members_per_room", s.members_per_room, up_to_a_million);
  v("limits.watches_per_session", s.watches_per_session, count_rule{1, 100'000});
  v("limits.users_per_request", s.users_per_request, count_rule{1, 100'000});
  v("limits.log_messages", s.log_messages, count_rule{1, 100'000'000});
  v("limits.history_messages", s.history_messages, count_rule{1, 10'000});
  v("limits.who_users", s.who_users, up_to_a_million);
  v("limits.connections", s.connections, count_rule{1, 10'000'000});
  v("limits.connections_per_address", s.connections_per_address, count_rule{1, 10'000'000});
  v("limits.refused_opens_per_minute", s.refused_opens_per_minute, up_to_a_million);
  v("limits.opens_per_second", s.opens_per_second, number_rule{0.1, 1'000'000});
  v("limits.opens_burst", s.opens_burst, number_rule{1, 1'000'000});
}

template <class Visitor>
void visit_fields(timings& s, Visitor&& v) {
  v("timings.open", s.open, duration_rule{milliseconds(100), milliseconds(600'000)});
  v("timings.ping", s.ping, duration_rule{milliseconds(100), milliseconds(3'600'000)});
  v("timings.pong", s.pong, duration_rule{milliseconds(100), milliseconds(600'000)});
  v("timings.request", s.request, duration_rule{milliseconds(10), milliseconds(600'000)});
  v("timings.token_warning", s.token_warning, duration_rule{milliseconds(0)});
  v("timings.presence_grace", s.presence_grace, duration_rule{milliseconds(0), milliseconds(600'000)});
  v("timings.tail_check", s.tail_check, duration_rule{milliseconds(100), milliseconds(600'000)});
  v("timings.who", s.who, duration_rule{milliseconds(10), milliseconds(60'000)});
  v("timings.idempotency", s.idempotency, duration_rule{milliseconds(1000)});
  v("timings.room_idle", s.room_idle, duration_rule{milliseconds(0)});
  v("timings.drain", s.drain, duration_rule{milliseconds(0), milliseconds(3'600'000)});
}

template <class Visitor>
void visit_fields(redis_settings& s, Visitor&& v) {
  v("redis.user", s.user, name_rule{.may_be_empty = true});
  v("redis.password_file", s.password_file, file_rule{});
  v("redis.connect", s.connect, duration_rule{milliseconds(10), milliseconds(60'000)});
  v("redis.answer", s.answer, duration_rule{milliseconds(10), milliseconds(60'000)});
  v("redis.silence", s.silence, duration_rule{milliseconds(10), milliseconds(60'000)});
  v("redis.missed_pings", s.missed_pings, count_rule{1, 100});
  v("redis.backoff_min", s.backoff_min, duration_rule{milliseconds(1), milliseconds(60'000)});
  v("redis.backoff_max", s.backoff_max, duration_rule{milliseconds(1), milliseconds(600'000)});
  v("redis.commands_waiting", s.commands_waiting, up_to_a_million);
  v("redis.channels_per_command", s.channels_per_command, count_rule{1, 10'000});
}

template <class Visitor>
void visit_fields(lease_settings& s, Visitor&& v) {
  v("lease.ttl", s.ttl, duration_rule{milliseconds(100), milliseconds(600'000)});
  v("lease.renew", s.renew, duration_rule{milliseconds(10), milliseconds(600'000)});
}

template <class Visitor>
void visit_fields(inspect_settings& s, Visitor&& v) {
  v("inspect.listen", s.listen, listen_rule{.any_port = true});
  v("inspect.web", s.web, word_rule{{"auto", "off", "loopback", "token"}});
}

template <class Visitor>
void visit_fields(drill_settings& s, Visitor&& v) {
  v("drill.slow_room", s.slow_room, name_rule{.may_be_empty = true});
  v("drill.slow_room_by", s.slow_room_by, duration_rule{milliseconds(0), milliseconds(60'000)});
}

template <class Visitor>
void visit_fields(api_settings& s, Visitor&& v) {
  v("api.listen", s.listen, listen_rule{.any_port = true});
  v("api.key_file", s.key_file, file_rule{});
}

template <class Visitor>
void visit_fields(node_settings& s, Visitor&& v) {
  v("node.name", s.name, name_rule{.may_be_empty = true}); // that it is required is said by `contradictions`
  v("node.listen", s.listen, listen_rule{.any_port = true});
  v("node.url", s.url, url_rule{});
  v("node.table_file", s.table_file, file_rule{});
  v("node.threads", s.threads, count_rule{0, 1024});
  v("node.scheduler", s.scheduler, word_rule{{"shared", "caf"}});
  v("node.create_public_rooms", s.create_public_rooms, switch_rule{});
  v("node.origins", s.origins, origins_rule{});
  v("node.proxies", s.proxies, addresses_rule{});
  v("node.tls.certificate", s.tls.certificate, file_rule{});
  v("node.tls.key", s.tls.key, file_rule{});
  visit_fields(s.cluster, v);
  visit_fields(s.auth, v);
  visit_fields(s.api, v);
  visit_fields(s.limits, v);
  visit_fields(s.timings, v);
  visit_fields(s.redis, v);
  visit_fields(s.lease, v);
  visit_fields(s.inspect, v);
  visit_fields(s.drill, v);
  visit_fields(s.log, v);
}

} // namespace starling
