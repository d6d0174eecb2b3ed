#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/error.hpp>
#include <caf/io/middleman_actor.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include "actors/inspection.hpp"
#include "chat/address.hpp"
#include "chat/node_registry.hpp"
#include "chat/settings.hpp"

/// The whole conversation between a master and its nodes; what is said inside a node stands in actors/protocol.hpp.
///
///     node                               master
///     hello                         ->              same version, schema and cluster?
///                                   <-   challenge
///     join (proof of the token)     ->              answered when there is a slot table
///                                   <-   joined (proof of the token, view)
///     beat, each `heartbeat`        ->
///                                   <-   beat_answer
///                                   <-   cluster_view, at each change, and again until a beat shows that it came
///     leave                         ->
///
/// A console asks the master for its inspector (`find_inspector`); what they say then stands in actors/inspection.hpp.
/// Nodes talk to each other only for a page of the console. Messages are told apart by position, without versions: both
/// sides compare `cluster_protocol_version` and `cluster_schema()` first.
namespace starling {

/// Raised when the meaning of a message changes though its fields do not.
inline constexpr std::uint32_t cluster_protocol_version = 2;

struct hello {
  std::uint32_t version = cluster_protocol_version;
  std::uint64_t schema = 0;
  std::string cluster;
};

struct challenge {
  std::string nonce; // for one `join`, within 10 s
  std::uint64_t master_incarnation = 0;
};

/// What the master tells of the cluster. Of one master incarnation, the highest version is the latest.
struct cluster_view {
  std::uint64_t master_incarnation = 0;
  std::uint64_t version = 0;
  std::string table; // `slot_table::encode`; empty: the one that the node has, or there is none yet
  std::vector<node_entry> nodes;
};

/// Takes what the master pushes.
using member_actor = caf::typed_actor<caf::reacts_to<cluster_view>>;

struct join {
  node_entry node;
  std::string nonce;      // from the challenge
  std::string proof;      // over `join_parts`
  std::string node_nonce; // for the master to answer to
  std::string table;      // `slot_table::encode`; empty: none
  member_actor member;    // the sender itself
};

struct joined {
  std::string proof; // over `joined_parts`
  cluster_view view;
};

/// From the joined member only; from others it is answered with "unknown".
struct beat {
  std::string name;
  std::uint64_t incarnation = 0;
  std::uint64_t view_version = 0; // that the node has
  std::uint64_t epoch = 0;        // of its table
  std::uint64_t digest = 0;
};

struct beat_answer {
  node_standing standing = node_standing::unknown; // unknown: join again; dead: with a new incarnation
};

/// In an orderly stop; from the joined member only.
struct leave {
  std::string name;
  std::uint64_t incarnation = 0;
};

/// From a console.
struct find_inspector {};
struct found_inspector {
  inspector_actor inspector;
};

/// Knows the nodes and owns the slot table. What it refuses, it refuses with a `refusal`.
///
/// An answer without content is `void`, its handler `[] {}`: for `unit_t` CAF 0.17 sends an empty message, which no
/// handler that takes a `unit_t` accepts.
using master_actor = caf::typed_actor<caf::replies_to<hello>::with<challenge>, caf::replies_to<join>::with<joined>,
                                      caf::replies_to<beat>::with<beat_answer>, caf::replies_to<leave>::with<void>,
                                      caf::replies_to<find_inspector>::with<found_inspector>>;

/// Why a master does not let a node in.
enum class refusal_kind : std::uint8_t {
  none = 0,
  other_version,
  other_schema,
  other_cluster,
  no_challenge, // the nonce is not, or no more, known
  wrong_token,
  bad_request, // a name or URL that cannot be
  name_taken,  // by a live node with another incarnation
  dead,        // dead is final
  full,
  // Of inspectors only:
  not_joined,
  unknown_command,
  not_admin, // what changes something is for consoles that were started with --admin
  timed_out, // an actor that was to be asked is busy
};
struct refusal {
  refusal_kind kind = refusal_kind::none;
  std::string text;              // for people, whole
  std::uint64_t newest_dead = 0; // dead: come back with a higher incarnation
};
caf::error make_error(refusal why);
/// None if the error is of another kind: a timeout, a lost connection.
std::optional<refusal> to_refusal(const caf::error& error);

/// Why a process that says this of itself cannot be talked to; nothing if it can. `cluster`: ours.
std::optional<refusal> other_release(std::uint32_t version, std::uint64_t schema, const std::string& its_cluster,
                                     const std::string& cluster);

/// What the node proves the token over, and what the master does (see `make_proof`).
std::vector<std::string> join_parts(const std::string& nonce, const node_entry& node);
std::vector<std::string> joined_parts(const join& what, std::uint64_t master_incarnation);

/// A hash over the names and the fields' types of all messages above, as this compiler names them.
std::uint64_t cluster_schema();

/// Makes the messages known to an actor system; without it they vanish silently.
void add_cluster_messages(caf::actor_system_config& config);

/// Loads the transport (see `load_transport`), with the messages, and so that a frozen peer is noticed.
void configure_middleman(caf::actor_system_config& config, const cluster_tls_settings& tls);

/// Lets other processes connect to an actor, at the address that the option `option` of the configuration says. Returns
/// the port that was bound (if it says 0: any), or what is wrong, in a line. Blocks; not to be called from an actor.
std::variant<std::uint16_t, std::string> publish(caf::actor_system& system, const caf::strong_actor_ptr& what,
                                                 const std::string& option, const host_port& where);

// -- serialization: all fields, in their order ---------------------------------------------------------------------

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_entry& x) {
  return f(caf::meta::type_name("node_entry"), x.name, x.incarnation, x.url, x.inspect);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, hello& x) {
  return f(caf::meta::type_name("hello"), x.version, x.schema, x.cluster);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, challenge& x) {
  return f(caf::meta::type_name("challenge"), x.nonce, x.master_incarnation);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cluster_view& x) {
  return f(caf::meta::type_name("cluster_view"), x.master_incarnation, x.version, x.table, x.nodes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, join& x) {
  return f(caf::meta::type_name("join"), x.node, x.nonce, x.proof, x.node_nonce, x.table, x.member);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, joined& x) {
  return f(caf::meta::type_name("joined"), x.proof, x.view);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, beat& x) {
  return f(caf::meta::type_name("beat"), x.name, x.incarnation, x.view_version, x.epoch, x.digest);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, beat_answer& x) {
  return f(caf::meta::type_name("beat_answer"), x.standing);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leave& x) {
  return f(caf::meta::type_name("leave"), x.name, x.incarnation);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, find_inspector&) {
  return f(caf::meta::type_name("find_inspector"));
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, found_inspector& x) {
  return f(caf::meta::type_name("found_inspector"), x.inspector);
}

} // namespace starling

CAF_BEGIN_TYPE_ID_BLOCK(starling, first_custom_type_id)
CAF_ADD_TYPE_ID(starling, (starling::hello))
CAF_ADD_TYPE_ID(starling, (starling::challenge))
CAF_ADD_TYPE_ID(starling, (starling::cluster_view))
CAF_ADD_TYPE_ID(starling, (starling::join))
CAF_ADD_TYPE_ID(starling, (starling::joined))
CAF_ADD_TYPE_ID(starling, (starling::beat))
CAF_ADD_TYPE_ID(starling, (starling::beat_answer))
CAF_ADD_TYPE_ID(starling, (starling::leave))
CAF_ADD_TYPE_ID(starling, (starling::find_inspector))
CAF_ADD_TYPE_ID(starling, (starling::found_inspector))
CAF_ADD_TYPE_ID(starling, (starling::console_hello))
CAF_ADD_TYPE_ID(starling, (starling::console_challenge))
CAF_ADD_TYPE_ID(starling, (starling::console_join))
CAF_ADD_TYPE_ID(starling, (starling::console_joined))
CAF_ADD_TYPE_ID(starling, (starling::console_ask))
CAF_ADD_TYPE_ID(starling, (starling::console_answer))
CAF_END_TYPE_ID_BLOCK(starling)
