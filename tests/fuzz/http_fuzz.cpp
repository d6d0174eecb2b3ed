#include <string>

#include "net/http.hpp"
#include "net/proof.hpp"
#include "tests/fuzz/demand.hpp"

// What of a request Beast leaves to us, a line each: method, target, If-None-Match, Authorization.

using namespace starling;
using namespace starling::fuzz;

namespace {

const net::http_pages& pages() {
  static const net::http_pages some{[] { return std::pair(503, std::string("{}")); }, [] { return std::string("{}"); },
                                    [] { return std::string("# none\n"); }};
  return some;
}

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (char c : text)
    result.append({'%', "0123456789abcdef"[(c >> 4) & 15], "0123456789ABCDEF"[c & 15]});
  return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = text_of(data, size);
  const auto method = take_line(text), target = take_line(text), tag = take_line(text), authorization = text;

  const auto answer = net::answer_http(method, target, tag, pages());
  demand(answer.status >= 200 && answer.status < 600 && !answer.content_type.empty(), "every request has an answer");
  demand(answer.status != 304 || answer.body.empty(), "what has not changed has no body");
  demand(net::path_of(target).find('?') == std::string_view::npos, "a path holds no query");
  if (auto proof = net::proof_in(authorization, target))
    demand(proof->token.empty() || proof->user.empty(), "who opens a session has one proof");
  demand(net::query_member("/ws?a=b&token=" + percent_encoded(target) + "&c", "token") == target,
         "what a query has encoded is read as it was");
  return 0;
}
