#include "chat/settings_check.hpp"

#include <map>

#include "chat/address.hpp"
#include "chat/settings_fields.hpp"
#include "chat/units.hpp"

namespace starling {

namespace {

using found_list = std::vector<contradiction>;

std::string quoted(const std::string& text) { return '"' + text + '"'; }

void check_cluster(const cluster_settings& s, found_list& out) {
  if (s.dead_after < 2 * s.heartbeat) {
    // One lost beat must not kill a node.
    out.push_back({"cluster.dead_after", "at least twice cluster.heartbeat, which is " + format_duration(s.heartbeat),
                   format_duration(s.dead_after)});
  }
}

/// Who can reach the port of a process reaches CAF's middleman, which believes what it reads: beyond loopback only who
/// has a certificate may. `option`: what says the address.
void check_tls(const cluster_tls_settings& s, const char* option, const std::string& address, found_list& out) {
  const auto where = parse_host_port(address);
  const bool beyond = where && !is_loopback(where->host);
  if (!beyond && s.ca.empty() && s.certificate.empty() && s.key.empty()) return;
  const std::string why = beyond ? std::string(option) + " is beyond loopback (" + address + ")" : "it is set in part";
  const auto required = [&](const char* key, const std::string& file) {
    if (file.empty()) out.push_back({key, "a file in PEM: cluster.tls is needed whole, since " + why, "nothing"});
  };
  required("cluster.tls.ca", s.ca);
  required("cluster.tls.certificate", s.certificate);
  required("cluster.tls.key", s.key);
}

void check_limits(const limits& s, found_list& out) {
  const auto fits_a_frame = [&](const char* key, std::size_t bytes) {
    if (bytes >= s.frame_bytes) {
      out.push_back({key, "less than limits.frame_bytes, which is " + format_size(s.frame_bytes), format_size(bytes)});
    }
  };
  fits_a_frame("limits.text_bytes", s.text_bytes);
  fits_a_frame("limits.data_bytes", s.data_bytes);
  if (s.outbox_bytes < s.frame_bytes) {
    out.push_back({"limits.outbox_bytes", "at least limits.frame_bytes, which is " + format_size(s.frame_bytes),
                   format_size(s.outbox_bytes)});
  }
  if (s.history_messages > s.log_messages) {
    out.push_back({"limits.history_messages", "at most limits.log_messages, which is " + std::to_string(s.log_messages),
                   std::to_string(s.history_messages)});
  }
}

void check_timings(const node_settings& s, found_list& out) {
  if (s.timings.pong > s.timings.ping) {
    out.push_back({"timings.pong", "at most timings.ping, which is " + format_duration(s.timings.ping),
                   format_duration(s.timings.pong)});
  }
  if (s.timings.request <= s.redis.answer) {
    // Else the one who asks gives up before the shard can say what is wrong.
    out.push_back({"timings.request", "more than redis.answer, which is " + format_duration(s.redis.answer),
                   format_duration(s.timings.request)});
  }
  if (s.redis.backoff_max < s.redis.backoff_min) {
    out.push_back({"redis.backoff_max", "at least redis.backoff_min, which is " + format_duration(s.redis.backoff_min),
                   format_duration(s.redis.backoff_max)});
  }
  if (s.lease.ttl < 2 * s.lease.renew) {
    // One renewal that fails must not end the lease.
    out.push_back({"lease.ttl", "at least twice lease.renew, which is " + format_duration(s.lease.renew),
                   format_duration(s.lease.ttl)});
  }
}

void check_listen(const node_settings& s, found_list& out) {
  const auto where = parse_host_port(s.listen);
  if (!where) return; // said already, by the rule of the field
  if (s.auth.mode == "open" && !is_loopback(where->host) && !s.auth.open_beyond_loopback) {
    out.push_back(
        {"auth.mode",
         "\"token\" when node.listen is beyond loopback (" + s.listen +
             "), since in mode \"open\" anyone may be anyone; or auth.open_beyond_loopback = true if that is meant",
         "\"open\""});
  }
  if (s.url.empty() && is_any_address(where->host)) {
    out.push_back(
        {"node.url", "the address at which clients reach this node, since node.listen is " + s.listen, "nothing"});
  }
}

void check_client_tls(const client_tls_settings& s, found_list& out) {
  if (s.certificate.empty() == s.key.empty()) return;
  const char* missing = s.key.empty() ? "node.tls.key" : "node.tls.certificate";
  out.push_back({missing, "a file in PEM, since node.tls is needed whole and the other half is set", "nothing"});
}

/// Who has the key may speak for every user, and it would pass the network in the clear.
void check_api(const api_settings& s, found_list& out) {
  const auto where = parse_host_port(s.listen);
  if (!where || is_loopback(where->host)) return;
  out.push_back({"api.listen", "an address of this machine alone (a proxy that speaks TLS may stand before it)",
                 quoted(s.listen)});
}

} // namespace

std::vector<contradiction> contradictions(const node_settings& s) {
  found_list out;
  if (s.name.empty()) {
    out.push_back(
        {"node.name", "a name that no other node of the cluster has (--name a, or node.name in the file)", "nothing"});
  }
  check_cluster(s.cluster, out);
  const auto inspected = parse_host_port(s.inspect.listen);
  if (inspected && !is_loopback(inspected->host))
    check_tls(s.cluster.tls, "inspect.listen", s.inspect.listen, out);
  else
    check_tls(s.cluster.tls, "cluster.master", s.cluster.master, out);
  check_limits(s.limits, out);
  check_timings(s, out);
  check_listen(s, out);
  check_client_tls(s.tls, out);
  check_api(s.api, out);
  return out;
}

std::vector<contradiction> contradictions(const master_settings& s) {
  found_list out;
  check_cluster(s.cluster, out);
  check_tls(s.cluster.tls, "cluster.master", s.cluster.master, out);
  if (s.shards.empty() || s.shards.size() > shards_max) {
    out.push_back({"shard",
                   "from 1 to " + std::to_string(shards_max) + " shards, each a [[shard]] with name and address",
                   std::to_string(s.shards.size())});
  }
  std::map<std::string, std::size_t> names;
  std::map<std::string, std::size_t> addresses;
  for (std::size_t i = 0; i < s.shards.size(); ++i) {
    const shard_settings& shard = s.shards[i];
    const std::string key = "shard[" + std::to_string(i) + "].";
    if (shard.name.empty()) {
      out.push_back({key + "name", "a name, by which the shard keeps its slots", "nothing"});
    } else if (!names.try_emplace(shard.name, i).second) {
      out.push_back({key + "name", "a name that no other shard has", quoted(shard.name)});
    }
    if (shard.address.empty()) {
      out.push_back({key + "address", "redis://host:port, unix:///path or memory:", "nothing"});
    } else if (shard.address != "memory:" && !addresses.try_emplace(shard.address, i).second) {
      // Two shards in one instance would share its keys, and fail together.
      out.push_back({key + "address", "an address that no other shard has", quoted(shard.address)});
    }
  }
  return out;
}

} // namespace starling
