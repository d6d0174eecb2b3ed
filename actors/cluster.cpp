#include "actors/cluster.hpp"

#include <typeinfo>

#include <caf/scoped_actor.hpp>
#include <xxhash.h>

#include "actors/actor_record.hpp"
#include "actors/transport.hpp"

namespace starling {
namespace {

constexpr auto category = caf::atom("cluster");

/// Writes down what `inspect` says of a type: its name and the types of its fields.
struct schema_reader {
  using result_type = void;
  // What CAF asks of an inspector; which compiler sees it used depends on the types.
  [[maybe_unused]] static constexpr bool reads_state = true;
  [[maybe_unused]] static constexpr bool writes_state = false;

  std::string text;

  template <class... Ts>
  void operator()(Ts&&... fields) {
    (add(fields), ...);
    text += '.';
  }
  void add(const caf::meta::type_name_t& name) { text.append(name.value) += ':'; }
  void add(node_entry& x) { inspect(*this, x); }
  void add(std::vector<node_entry>&) {
    node_entry element;
    inspect(*this, element);
  }
  void add(cluster_view& x) { inspect(*this, x); }
  void add(inspected_process& x) { inspect(*this, x); }
  void add(std::vector<inspected_process>&) {
    inspected_process element;
    inspect(*this, element);
  }
  template <class T>
  void add(const T&) {
    text.append(typeid(T).name()) += ',';
  }
};

template <class... Messages>
std::string schema_of() {
  schema_reader reader;
  auto read = [&](auto message) { inspect(reader, message); };
  (read(Messages{}), ...);
  return reader.text;
}

} // namespace

std::uint64_t cluster_schema() {
  static const std::uint64_t result = [] {
    auto text = schema_of<hello, challenge, cluster_view, join, joined, beat, beat_answer, leave, find_inspector,
                          found_inspector, console_hello, console_challenge, console_join, console_joined, console_ask,
                          console_answer>();
    return XXH64(text.data(), text.size(), 0);
  }();
  return result;
}

caf::error make_error(refusal why) {
  note_error_here("refused");
  return {static_cast<std::uint8_t>(why.kind), category, caf::make_message(std::move(why.text), why.newest_dead)};
}

std::optional<refusal> to_refusal(const caf::error& error) {
  if (error.category() != category) return std::nullopt;
  refusal result{static_cast<refusal_kind>(error.code()), {}, 0};
  if (error.context().match_elements<std::string, std::uint64_t>()) {
    result.text = error.context().get_as<std::string>(0);
    result.newest_dead = error.context().get_as<std::uint64_t>(1);
  }
  return result;
}

std::vector<std::string> join_parts(const std::string& nonce, const node_entry& node) {
  return {"join", nonce, node.name, std::to_string(node.incarnation), node.url, node.inspect};
}

std::vector<std::string> joined_parts(const join& what, std::uint64_t master_incarnation) {
  return {"joined",
          what.node_nonce,
          what.nonce,
          what.node.name,
          std::to_string(what.node.incarnation),
          std::to_string(master_incarnation)};
}

void add_cluster_messages(caf::actor_system_config& config) { config.add_message_types<caf::id_block::starling>(); }

void configure_middleman(caf::actor_system_config& config, const cluster_tls_settings& tls) {
  add_cluster_messages(config);
  load_transport(config, tls);
}

std::variant<std::uint16_t, std::string> publish(caf::actor_system& system, const caf::strong_actor_ptr& what,
                                                 const std::string& option, const host_port& where) {
  constexpr bool reuse = true; // connections of a process that was killed linger in the kernel: they keep nobody out
  constexpr std::chrono::seconds patience{5};
  std::variant<std::uint16_t, std::string> result;
  caf::scoped_actor self(system);
  self->request(transport(system), patience, caf::publish_atom_v, where.port, what, std::set<std::string>(), where.host,
                reuse)
      .receive([&](std::uint16_t port) { result = port; },
               [&](const caf::error& why) {
                 result = "cannot listen on " + where.host + ":" + std::to_string(where.port) + " (" + option +
                          "): " + system.render(why) +
                          "; if another process has the port, stop it or choose another (see: ss -ltnp)";
               });
  return result;
}

std::optional<refusal> other_release(std::uint32_t version, std::uint64_t schema, const std::string& its_cluster,
                                     const std::string& cluster) {
  if (version != cluster_protocol_version)
    return refusal{refusal_kind::other_version,
                   "here version " + std::to_string(cluster_protocol_version) + " is spoken between processes, there " +
                       std::to_string(version) + ": run the same release everywhere",
                   0};
  if (schema != cluster_schema())
    return refusal{refusal_kind::other_schema, "here messages are not built as there: run the same release everywhere",
                   0};
  if (its_cluster != cluster)
    return refusal{refusal_kind::other_cluster,
                   "this is cluster \"" + cluster + "\", not \"" + its_cluster + "\" (cluster.id)", 0};
  return std::nullopt;
}

} // namespace starling
