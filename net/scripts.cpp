#include "net/scripts.hpp"

#include <array>
#include <stdexcept>

#include <openssl/evp.h>

#include "chat/embedded.hpp"

namespace starling::net {

namespace {

std::map<std::string, std::string> embedded_texts() {
  constexpr std::string_view ending = ".lua", prelude_name = "prelude.lua";
  std::string_view prelude;
  for (auto& file : embedded_scripts())
    if (file.name == prelude_name) prelude = file.bytes;
  std::map<std::string, std::string> texts;
  for (auto& file : embedded_scripts()) {
    if (file.name == prelude_name || !file.name.ends_with(ending)) continue;
    const auto name = file.name.substr(0, file.name.size() - ending.size());
    texts.emplace(name, std::string(prelude).append(file.bytes));
  }
  return texts;
}

} // namespace

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("OpenSSL refuses SHA1, by which Redis names scripts");
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

script_set script_set::embedded() { return script_set(embedded_texts()); }

script_set::script_set(const std::map<std::string, std::string>& texts) {
  for (auto& [name, text] : texts)
    scripts_.emplace(name, script{name, text, sha1_hex(text)});
}

const script* script_set::find(std::string_view name) const {
  auto found = scripts_.find(name);
  return found == scripts_.end() ? nullptr : &found->second;
}

} // namespace starling::net
