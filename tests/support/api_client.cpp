#include "tests/support/api_client.hpp"

#include <stdexcept>

namespace starling::test {

namespace {

const std::string key = "the key of an application of these tests";

} // namespace

api_client::api_client(const std::vector<std::string>& nodes) {
  write_file(key_file(), key + "\n");
  for (const auto& node : nodes)
    ports_[node] = server_port();
}

std::map<std::string, std::vector<std::string>> api_client::options() const { return options({}); }

std::map<std::string, std::vector<std::string>> api_client::options(const std::vector<std::string>& more) const {
  std::map<std::string, std::vector<std::string>> result;
  for (const auto& [node, port] : ports_) {
    result[node] = {"api.key_file=\"" + key_file() + "\"", "api.listen=\"127.0.0.1:" + std::to_string(port) + "\""};
    result[node].insert(result[node].end(), more.begin(), more.end());
  }
  return result;
}

http_reply api_client::call(const std::string& node, const std::string& verb, const std::string& path,
                            const json& body) const {
  auto text = verb + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + key + "\r\n";
  const auto content = body.is_null() ? std::string() : body.dump();
  if (!content.empty())
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(content.size()) + "\r\n";
  return http_exchange(port(node), text + "\r\n" + content);
}

json api_client::ask(const std::string& node, const std::string& verb, const std::string& path,
                     const json& body) const {
  const auto reply = call(node, verb, path, body);
  if (reply.status / 100 != 2)
    throw std::runtime_error(verb + " " + path + ": " + std::to_string(reply.status) + " " + reply.body);
  return json::parse(reply.body);
}

std::string api_client::refusal(const std::string& node, const std::string& verb, const std::string& path,
                                const json& body) const {
  const auto reply = call(node, verb, path, body);
  const auto answer = json::parse(reply.body, nullptr, false);
  const auto code = answer.is_object() && answer.contains("error") ? answer["error"].value("code", "?") : "no error";
  return std::to_string(reply.status) + " " + code;
}

} // namespace starling::test
