#include "cli/web_console.hpp"

#include <boost/asio/steady_timer.hpp>
#include <caf/event_based_actor.hpp>
#include <nlohmann/json.hpp>

#include "actors/proof.hpp"
#include "chat/address.hpp"
#include "chat/json_text.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

constexpr milliseconds hub_patience{1'000}; // the hub's own is shorter

net::console_access access_of(const node_settings& settings) {
  auto& word = settings.inspect.web;
  if (word == "token") return net::console_access::token;
  if (word == "loopback") return net::console_access::loopback;
  // A node that clients reach by another name may be behind a proxy, from which everybody comes from this machine.
  bool direct = settings.url.empty() || is_loopback(host_of(authority_of(settings.url)));
  return word == "auto" && direct ? net::console_access::loopback : net::console_access::off;
}

/// The answer to the ask `id`, JSON as the page has sent it.
std::string failed(const std::string& id, const std::string& why) {
  return json_object().add_json("id", id).add("error", why).text();
}

std::string encode(const std::string& id, const hub_answer& answer) {
  json_array processes;
  for (auto& one : answer.processes) {
    json_object process;
    process.add("role", one.from.role).add("name", one.from.name);
    process.add("incarnation", one.from.incarnation).add("inspect", one.from.inspect);
    if (one.error.empty() && json::accept(one.result))
      process.add_json("result", one.result);
    else
      process.add("error", one.error.empty() ? "the answer is not JSON" : one.error);
    processes.add_json(process.text());
  }
  return json_object().add_json("id", id).add_json("processes", processes.text()).text();
}

/// What a page asks, and by which number; or why not, in words for it.
std::variant<hub_ask, std::string> read_ask(const json& message) {
  if (!message.is_object()) return "not a JSON object";
  auto text = [&](const char* name) {
    auto i = message.find(name);
    return i != message.end() && i->is_string() ? i->get<std::string>() : std::string();
  };
  hub_ask what{text("command"), "{}", text("role"), text("process")};
  if (what.command.empty()) return R"(say which: {"id": 1, "command": "process", "arguments": {}})";
  if (auto i = message.find("arguments"); i != message.end()) {
    if (!i->is_object()) return "the arguments are not a JSON object";
    what.arguments = i->dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return what;
}

/// An actor that lives until the answer is there.
void ask_hub(caf::event_based_actor* self, const inspector_hub_actor& hub, const hub_ask& what, const std::string& id,
             const std::function<void(std::string)>& answer) {
  self->request(hub, hub_patience, what)
      .then(
          [id, answer](const hub_answer& all) { answer(encode(id, all)); },
          [self, id, answer](const caf::error& why) { answer(failed(id, describe_link_error(self->system(), why))); });
}

} // namespace

/// One open page.
class web_console::page final : public net::console_session {
public:
  page(std::shared_ptr<web_console> all, std::string peer) : all_(std::move(all)), peer_(std::move(peer)) {
    all_->open(peer_);
  }
  ~page() override { all_->close(peer_); }
  void ask(std::string what, std::function<void(std::string)> answer) override {
    all_->ask(peer_, what, std::move(answer));
  }

private:
  std::shared_ptr<web_console> all_;
  std::string peer_;
};

web_console::web_console(boost::asio::io_context& io, const node_settings& settings, std::string token)
    : io_(io), settings_(settings), token_(std::move(token)) {}

net::console_port web_console::port() {
  auto self = shared_from_this();
  return {access_of(settings_), [self](std::string_view message) { return self->proves(message); },
          [self](std::string peer) { return std::make_unique<page>(self, std::move(peer)); }};
}

void web_console::start(caf::actor_system& system, inspector_actor own, std::uint64_t incarnation) {
  std::lock_guard lock(mutex_);
  system_ = &system;
  own_ = std::move(own);
  incarnation_ = incarnation;
}

void web_console::stop() {
  std::lock_guard lock(mutex_);
  for (auto& [peer, one] : hubs_)
    caf::anon_send_exit(one.actor, caf::exit_reason::user_shutdown);
  hubs_.clear();
  own_ = nullptr;
  system_ = nullptr;
}

inspector_hub_actor web_console::spawn_hub(const std::string& peer) {
  inspector_link_options links;
  links.cluster = settings_.cluster.id;
  links.token = token_;
  links.operator_name = "web@" + peer;
  links.io = &io_;
  inspector_hub_options options{make_links(*system_, std::move(links)), {}};
  options.seeds.push_back({{"node", settings_.name, incarnation_, {}}, {{}, false, own_}});
  if (auto master = parse_host_port(settings_.cluster.master))
    options.seeds.push_back({{"master", "master", 0, {}}, {*master, true, {}}});
  return system_->spawn(inspector_hub, std::move(options));
}

void web_console::open(const std::string& peer) {
  std::lock_guard lock(mutex_);
  if (!system_) return;
  auto& one = hubs_[peer];
  if (!one.actor) one.actor = spawn_hub(peer);
  ++one.pages;
  log::info("console.web_opened", "peer={} pages={}", peer, one.pages);
}

void web_console::close(const std::string& peer) {
  std::lock_guard lock(mutex_);
  auto i = hubs_.find(peer);
  if (i == hubs_.end() || i->second.pages == 0 || --i->second.pages > 0) return;
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, linger);
  timer->async_wait([weak = weak_from_this(), peer, timer, closes = ++i->second.closes](boost::system::error_code) {
    if (auto self = weak.lock()) self->end_if_unused(peer, closes);
  });
}

void web_console::end_if_unused(const std::string& peer, std::uint64_t closes) {
  std::lock_guard lock(mutex_);
  auto i = hubs_.find(peer);
  if (i == hubs_.end() || i->second.pages > 0 || i->second.closes != closes) return;
  caf::anon_send_exit(i->second.actor, caf::exit_reason::user_shutdown);
  hubs_.erase(i);
}

void web_console::ask(const std::string& peer, const std::string& what, std::function<void(std::string)> answer) {
  auto message = json::parse(what, nullptr, false);
  auto id = message.is_object() && message.contains("id")
                ? message["id"].dump(-1, ' ', true, json::error_handler_t::replace)
                : "null";
  auto asked = read_ask(message);
  if (auto* why = std::get_if<std::string>(&asked)) return answer(failed(id, *why));
  std::unique_lock lock(mutex_);
  auto i = hubs_.find(peer);
  if (i == hubs_.end()) {
    lock.unlock();
    return answer(failed(id, "this node is leaving"));
  }
  system_->spawn(ask_hub, i->second.actor, std::get<hub_ask>(std::move(asked)), id, std::move(answer));
}

/// Compares what was made of both tokens, so that the time it takes tells nothing of the right one.
bool web_console::proves(std::string_view text) const {
  auto message = json::parse(text, nullptr, false);
  if (!message.is_object() || !message.contains("token") || !message["token"].is_string()) return false;
  auto nonce = make_nonce();
  return is_proof(make_proof(message["token"].get<std::string>(), {nonce}), token_, {nonce});
}

} // namespace starling::cli
