#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// What may be configured, with its defaults. Keys and ranges are in chat/settings_fields.hpp; what cannot go together,
/// in chat/settings_check.hpp; the manual is config/node.toml and config/master.toml.
namespace starling {

using std::chrono::milliseconds;

/// Bounds of everything that strangers can make grow; what happens at each stands in docs/OPERATIONS.md and
/// config/node.toml.
struct limits {
  std::size_t frame_bytes = 64 * 1024;     // from a client; beyond: close 1009
  std::size_t text_bytes = 16 * 1024;      // of a message; beyond: error 413
  std::size_t data_bytes = 8 * 1024;       // of a message's `data`; beyond: error 413
  std::size_t room_id_bytes = 128;         // beyond: error -32602
  std::size_t title_bytes = 256;           // beyond: error 413
  std::size_t batch_requests = 16;         // in one frame; beyond: error -32600
  std::size_t outbox_bytes = 1024 * 1024;  // per connection; beyond: close 4008, ephemeral frames go from half of it
  std::size_t requests_in_flight = 32;     // per connection; beyond: its frames wait in the socket
  double requests_per_second = 50;         // per connection; beyond: error 429
  double requests_burst = 100;             // the depth of that bucket
  std::size_t refusals_before_close = 200; // 429s in a row; beyond: close 1008
  std::size_t rooms_per_user = 1000;       // beyond: error 409
  std::size_t members_per_room = 100'000;  // beyond: error 409
  std::size_t watches_per_session = 1000;  // beyond: error 409
  std::size_t users_per_request = 1000;    // named in one presence request or as members of a new room; beyond: -32602
  std::size_t log_messages = 10'000;       // kept per room; beyond: the oldest are trimmed
  std::size_t history_messages = 300;      // in one answer; beyond: `more`
  std::size_t who_users = 10'000;          // present users that one node tells of a room
  std::size_t connections = 100'000;       // of a node; beyond: HTTP 503
  std::size_t connections_per_address = 1000; // of one client address; beyond: HTTP 429
  std::size_t refused_opens_per_minute = 60;  // of one client address; beyond: HTTP 429, close 1008
  double opens_per_second = 1000;             // sessions that the node opens; beyond: close 4013, come back later
  double opens_burst = 2000;                  // the depth of that bucket
};

/// How long things may take.
struct timings {
  milliseconds open{10'000};          // to authenticate; beyond: close 4002
  milliseconds ping{25'000};          // between pings to a silent client, jittered
  milliseconds pong{10'000};          // for its answer; beyond: the connection is closed
  milliseconds request{5'000};        // from actor to actor; beyond: error 503
  milliseconds token_warning{60'000}; // before a token expires, the client is told
  milliseconds presence_grace{2'000}; // after the last session ends, before the user is offline
  milliseconds tail_check{5'000};     // between checks that no publication was lost
  milliseconds who{500};              // other nodes may take to tell who is in a room
  milliseconds idempotency{600'000};  // a `key` of message.send is remembered
  milliseconds room_idle{30'000};     // a room without seats lives on
  milliseconds drain{10'000};         // from SIGTERM to the last client's close
};

/// How a node speaks to the Redis instances.
struct redis_settings {
  std::string user;             // ACL user; empty: "default"
  std::string password_file;    // first line is the password; empty: $STARLING_REDIS_PASSWORD, or none
  milliseconds connect{1'000};  // beyond: try again
  milliseconds answer{2'000};   // beyond: the connection is given up, requests fail with 503
  milliseconds silence{1'000};  // on the subscription connection, before a ping
  unsigned missed_pings = 2;    // then the connection is given up and made anew
  milliseconds backoff_min{50}; // between attempts to connect: doubled each time, jittered
  milliseconds backoff_max{1'000};
  std::size_t commands_waiting = 10'000; // per shard; beyond: error 503
  std::size_t channels_per_command = 512;
};

/// Leases: how other nodes tell that a node is gone, also while the master is away.
struct lease_settings {
  milliseconds ttl{3'000};
  milliseconds renew{1'000};
};

/// How clients prove who they are.
struct auth_settings {
  std::string mode = "open";         // "open": whoever names a user is that user; "token": JWT
  bool open_beyond_loopback = false; // must be true for "open" on any other address
  std::string algorithm = "HS256";   // or RS256, ES256
  std::string key_file;              // HS256: the secret; else the public key in PEM; empty: $STARLING_TOKEN_KEY
};

/// What clients connect by, if by TLS. Both or none.
struct client_tls_settings {
  std::string certificate; // PEM: the chain, the node's own certificate first
  std::string key;         // PEM: its private key
  bool on() const { return !certificate.empty(); }
};

/// Where an application's own servers tell the node what to do, by HTTP. Off without a key.
struct api_settings {
  std::string listen = "127.0.0.1:7480";
  std::string key_file; // first line is the key that a caller shows; empty: $STARLING_API_KEY
};

/// By what the processes of a cluster know each other, and what they encrypt with. All three or none.
struct cluster_tls_settings {
  std::string ca;          // PEM: who has signed the certificates of this cluster's processes, and nobody else's
  std::string certificate; // PEM: this process' certificate
  std::string key;         // PEM: its private key
  bool on() const { return !certificate.empty(); }
};

/// What processes of one cluster share.
struct cluster_settings {
  std::string id = "starling";           // two clusters never mix, on Redis or between processes
  std::string master = "127.0.0.1:7400"; // where the master listens
  std::string token_file;                // first line is the shared token; empty: $STARLING_CLUSTER_TOKEN
  milliseconds heartbeat{500};
  milliseconds dead_after{3'000}; // of silence
  milliseconds connect{1'000};    // one attempt to reach the master
  cluster_tls_settings tls;       // required where processes listen beyond loopback
};

/// Where a node lets consoles look inside.
struct inspect_settings {
  std::string listen = "127.0.0.1:0"; // port 0: any free one; the master tells consoles which
  std::string web = "auto";           // who may see the page /console: "auto", "off", "loopback", "token"
};

/// For drills: what an operator would have to find with the console. Nothing of it is on unless it is set.
struct drill_settings {
  std::string slow_room;        // each message to the room of this name, on this node, takes
  milliseconds slow_room_by{0}; // as long
};

struct log_settings {
  std::string format = "text";     // or "json"
  std::string level = "info";      // trace, debug, info, warn, error, off
  std::vector<std::string> levels; // per component: "redis=debug"
  std::string flight_directory;    // of the flight recorder's files; empty: that of the state or table file
};

/// One Redis instance, as the master is told of it.
struct shard_settings {
  std::string name;         // the shard's identity: its slots follow the name, not the address
  std::string address;      // redis://host:port, unix:///path, or memory:
  std::uint32_t weight = 1; // 1..1000: its share of the slots against the others'
};

struct master_settings {
  cluster_settings cluster;
  std::string state_file = "master.json";
  bool accept_moved_slots = false; // start although the shards changed and slots move: what those hold stays behind
  std::vector<shard_settings> shards;
  log_settings log;
};

struct node_settings {
  cluster_settings cluster;
  std::string name;                      // unique in the cluster; required
  std::string listen = "127.0.0.1:8080"; // where clients connect
  std::string url;                       // what other nodes tell clients of this one; empty: ws://<listen>/ws
  std::string table_file;                // the last slot table, for a start without the master; empty: not kept
  unsigned threads = 0;                  // 0: one per core
  std::string scheduler = "shared";      // "shared": actors run on the threads of the sockets; "caf": on CAF's own
  bool create_public_rooms = true;       // room.join makes a public room that does not exist
  std::vector<std::string> origins;      // pages that may connect, beside the node's own; empty: all
  std::vector<std::string> proxies = {"127.0.0.1", "::1"}; // believed when they say for whom they connect
  client_tls_settings tls;
  api_settings api;
  auth_settings auth;
  struct limits limits;
  struct timings timings;
  redis_settings redis;
  lease_settings lease;
  inspect_settings inspect;
  drill_settings drill;
  log_settings log;
};

} // namespace starling
