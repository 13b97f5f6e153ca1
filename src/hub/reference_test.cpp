// SPDX-License-Identifier: Apache-2.0
#include "hub/reference.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "weights/test_files.h"

namespace {

using namespace hub;
using base::text;

// What a text means, in one line.
std::string meaning(std::string_view given, const Sites& sites = {}) {
  struct Tell {
    std::string operator()(const LocalReference& r) const { return "local " + r.path.string(); }
    std::string operator()(const RepositoryReference& r) const {
      return text(r.repository, " ", r.revision, " ", r.path);
    }
    std::string operator()(const CivitaiReference& r) const {
      return text("civitai ", r.model, " ", r.version, " ", r.query);
    }
    std::string operator()(const UrlReference& r) const { return "url " + r.url; }
  };
  try {
    return std::visit(Tell(), parse_reference(given, sites));
  } catch (const base::Error& error) {
    const std::string message = error.what();
    return message.substr(0, message.find(':'));
  }
}

TEST(Reference, KnowsRepositoriesWithAndWithoutFileAndRevision) {
  EXPECT_EQ(meaning("alice/wan-style"), "alice/wan-style main ");
  EXPECT_EQ(meaning("alice/wan-style/high.safetensors"), "alice/wan-style main high.safetensors");
  EXPECT_EQ(meaning("alice/wan-style:high.safetensors"), "alice/wan-style main high.safetensors");
  EXPECT_EQ(meaning("alice/w/a/b.safetensors"), "alice/w main a/b.safetensors");
  EXPECT_EQ(meaning("alice/w:a/b.safetensors"), "alice/w main a/b.safetensors");
  EXPECT_EQ(meaning("alice/w@v2"), "alice/w v2 ");
  EXPECT_EQ(meaning("alice/w@v2/a.safetensors"), "alice/w v2 a.safetensors");
  EXPECT_EQ(meaning("alice/w@v2:a/b.safetensors"), "alice/w v2 a/b.safetensors");
  EXPECT_EQ(meaning("alice/w@refs/pr/3/a.safetensors"), "alice/w refs/pr/3 a.safetensors");
  EXPECT_EQ(meaning("alice/w@refs/pr/3"), "alice/w refs/pr/3 ");
  EXPECT_EQ(meaning("hf://alice/w/a.safetensors"), "alice/w main a.safetensors");
  EXPECT_EQ(meaning("hf://alice/w.safetensors"), "alice/w.safetensors main ");
}

TEST(Reference, KnowsUrlsOfTheHub) {
  const std::string site = "https://huggingface.co/";
  EXPECT_EQ(meaning(site + "alice/w"), "alice/w main ");
  EXPECT_EQ(meaning(site + "alice/w/resolve/main/a.safetensors?download=true"),
            "alice/w main a.safetensors");
  EXPECT_EQ(meaning(site + "alice/w/blob/v2/a/b%20c.safetensors"), "alice/w v2 a/b c.safetensors");
  EXPECT_EQ(meaning(site + "alice/w/resolve/refs%2Fpr%2F1/a.safetensors"),
            "alice/w refs/pr/1 a.safetensors");
  EXPECT_EQ(meaning(site + "alice/w/tree/main/loras"), "alice/w main loras");
  EXPECT_EQ(meaning("https://hf.co/alice/w"), "alice/w main ");
  EXPECT_EQ(meaning("HTTPS://HuggingFace.co/alice/w"), "alice/w main ");
  EXPECT_EQ(meaning(site + "datasets/alice/w/resolve/main/a.safetensors"),
            "url " + site + "datasets/alice/w/resolve/main/a.safetensors");
  EXPECT_EQ(meaning(site + "alice/w/discussions/1"), "url " + site + "alice/w/discussions/1");

  const Sites mirror{.hub = "https://hub.example:8443"};
  EXPECT_EQ(meaning("https://hub.example:8443/alice/w/resolve/main/a.safetensors", mirror),
            "alice/w main a.safetensors");
  EXPECT_EQ(meaning("https://hub.example/alice/w", mirror), "url https://hub.example/alice/w");
  EXPECT_EQ(meaning(site + "alice/w", mirror), "alice/w main ");
}

TEST(Reference, KnowsPagesAndDownloadsOfCivitai) {
  EXPECT_EQ(meaning("https://civitai.com/models/123/some-title?modelVersionId=456"),
            "civitai 123 456 ");
  EXPECT_EQ(meaning("https://civitai.com/models/123?modelVersionId=456&tab=x"), "civitai 123 456 ");
  EXPECT_EQ(meaning("https://www.civitai.com/models/123"), "civitai 123 0 ");
  EXPECT_EQ(meaning("https://civitai.com/api/download/models/456"), "civitai 0 456 ");
  EXPECT_EQ(
      meaning(
          "https://civitai.com/api/download/models/456?type=Model&token=secret&format=SafeTensor"),
      "civitai 0 456 type=Model&format=SafeTensor");
  EXPECT_EQ(meaning("https://civitai.com/user/alice"), "lora_not_found");
  EXPECT_EQ(meaning("https://civitai.com/models/x"), "lora_not_found");
}

TEST(Reference, TakesEverythingElseForAUrlOrAFile) {
  EXPECT_EQ(meaning("https://example.com/a.safetensors?x=1"),
            "url https://example.com/a.safetensors?x=1");
  // Another host, whatever stands before it.
  EXPECT_EQ(meaning("https://huggingface.co@evil.example/alice/w"),
            "url https://huggingface.co@evil.example/alice/w");
  EXPECT_EQ(meaning("https://huggingface.co\\@evil.example/alice/w"),
            "url https://huggingface.co\\@evil.example/alice/w");
  EXPECT_EQ(meaning("https://huggingface.co.evil.example/alice/w"),
            "url https://huggingface.co.evil.example/alice/w");
  for (const auto* path : {"style.safetensors",
                           "loras/style.safetensors",
                           "/a/b/c",
                           "./a/b",
                           "~/a/b",
                           "../a/b",
                           "my loras/a/b",
                           "a/b-/c"}) {
    EXPECT_EQ(meaning(path), text("local ", path));
  }
}

TEST(Reference, RefusesWhatCanBeNothing) {
  for (const auto* given : {"",
                            "a\nb",
                            "hf://alice",
                            "hf://a b/c",
                            "alice/w/../x",
                            "alice/w:../x",
                            "https://huggingface.co/alice/w/resolve/main/%2e%2e/x",
                            "https://huggingface.co/alice/w/resolve/%2e%2e/x",
                            "https://huggingface.co/alice/w/resolve/..%2f..%2fx/y",
                            "https://huggingface.co/alice/w/resolve/%2fetc/y",
                            "https://huggingface.co/alice/w/resolve/main/a%00b",
                            "alice/w@../x",
                            "alice/w@..:x"}) {
    EXPECT_EQ(meaning(given), "lora_not_found") << given;
  }
  EXPECT_EQ(meaning(std::string(4000, 'a')), "lora_not_found");
  for (const auto* given : {"file:///etc/passwd", "ftp://a/b", "s3://bucket/key"}) {
    EXPECT_EQ(meaning(given), "fetch_refused") << given;
  }
}

TEST(Reference, EndsInAMeaningOrARefusalWhateverIsGiven) {
  for (const auto* given : {"alice/w@refs/pr/3:a/b.safetensors",
                            "https://huggingface.co/alice/w/resolve/refs%2Fpr%2F1/a.safetensors",
                            "https://civitai.com/models/123/x?modelVersionId=456&y"}) {
    weights::test::damage(given, 5'000, [](const std::string& text) { parse_reference(text); });
  }
}

TEST(Reference, IsWrittenTheWayItIsRead) {
  for (const auto* given : {"a/b", "a/b/c.safetensors", "a/b@v2/c.safetensors", "a/b@v2"}) {
    EXPECT_EQ(to_text(std::get<RepositoryReference>(parse_reference(given))), given);
  }
}

}  // namespace
