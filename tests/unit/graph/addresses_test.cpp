// Addresses, package URLs and UUIDs; figures of package-url/purl-spec (types/huggingface) and RFC 9562.
#include "engine/provenance/addresses.hpp"
#include "engine/provenance/uuid.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace heirloom::provenance;

TEST_CASE("package URLs are those of the specification's examples") {
  CHECK(hub_package_url({"distilbert", "distilbert-base-uncased"}, "043235d6088ecd3dd5fb5ca3592b6913fd516027") ==
        "pkg:huggingface/distilbert/distilbert-base-uncased@043235d6088ecd3dd5fb5ca3592b6913fd516027");
  CHECK(hub_package_url({"EleutherAI", "gpt-neo-1.3B"}, "797174552AE47F449AB70B684CABCB6603E5E85E") ==
        "pkg:huggingface/EleutherAI/gpt-neo-1.3B@797174552ae47f449ab70b684cabcb6603e5e85e");
  CHECK(hub_package_url({"Qwen", "Qwen3-8B-GGUF"}, "", "a b/Qwen3-8B-Q4_K_M.gguf") == "pkg:huggingface/Qwen/Qwen3-8B-GGUF#a%20b/Qwen3-8B-Q4_K_M.gguf");
}

TEST_CASE("a name on the hub is two plain words, with or without the hub's address") {
  CHECK(hub_name("allenai/OLMo-2-1B") == HubName{"allenai", "OLMo-2-1B"});
  CHECK(hub_name("https://huggingface.co/allenai/OLMo-2-1B/") == HubName{"allenai", "OLMo-2-1B"});
  CHECK(hub_name("git+https://huggingface.co/allenai/OLMo-2-1B.git") == HubName{"allenai", "OLMo-2-1B"});
  for (const char* wrong : {"gpt2", "a/b/c", "/b", "a/", "../b", "a b/c", "https://huggingface.co.evil.example/a/b", "https://other.example/a/b", "a/b?c"}) {
    CAPTURE(wrong);
    CHECK_FALSE(hub_name(wrong));
  }
}

TEST_CASE("only addresses are addresses") {
  for (const char* right : {"https://huggingface.co/a/b", "http://x/?a=b#c", "ssh://git.example/x", "git+https://x.example/%20"}) {
    CAPTURE(right);
    CHECK(is_address(right));
  }
  for (const char* wrong : {"javascript:alert(1)", "file:///etc/passwd", "https://", "https:///x", "https://a b", "https://x/\x1b", "https://x/%2", "https://x/<y>",
                            "https://x#a#b", "https://\xC3\xA9", "apache-2.0", ""}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_address(wrong));
  }
  CHECK_FALSE(is_address("https://x/" + std::string(3000, 'a')));
}

TEST_CASE("a git address splits into place and revision") {
  const GitSource split = git_source("git+https://huggingface.co/a/b@0123");
  CHECK(split.address == "https://huggingface.co/a/b");
  CHECK(split.revision == "0123");
  CHECK(git_source("git+ssh://me@host/x").revision.empty());
}

TEST_CASE("UUIDs of version 5 are python's uuid5 in the namespace of URLs") {
  CHECK(uuid_v5("https://www.example.com/") == "3d3ed9d2-aa3d-5fa6-90e8-ed662e90f559");
}
