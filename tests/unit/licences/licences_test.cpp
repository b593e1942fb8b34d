#include "engine/provenance/legal_files.hpp"
#include "engine/provenance/licences.hpp"
#include "engine/provenance/spdx.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using namespace heirloom::provenance;

namespace {

std::string recognised_in(std::string_view text) {
  std::string names;
  for (const Licence* licence : recognised({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}))
    names += (names.empty() ? "" : " ") + licence->spdx;
  return names;
}

constexpr std::string_view mit_grant =
    "permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files "
    "(the \"Software\") ... The above copyright notice and this permission notice shall be included in all\ncopies or substantial portions of the Software.";

}  // namespace

TEST_CASE("the table of licences can be read, and no two of its rows have a name in common") {
  const auto& licences = built_in_licences();
  REQUIRE(licences);
  CHECK(licences->size() > 100);
  for (const Licence& licence : *licences) {
    INFO(licence.spdx);
    if (!licence.id.empty())
      CHECK(find_licence(licence.id) == &licence);
    for (const std::string& name : licence.names)
      CHECK(find_licence(name) == &licence);
  }
}

TEST_CASE("SPDX expressions are taken as the SPDX list and grammar have them") {
  for (const char* good : {"MIT", "GPL-2.0+", "GPL-2.0-or-later WITH Bison-exception-2.2", "(MIT OR Apache-2.0) AND CC-BY-4.0", "LicenseRef-a.b-1",
                           "DocumentRef-x:LicenseRef-y", "((MIT))"})
    CHECK_MESSAGE(is_spdx_expression(good), good);
  for (const char* bad : {"", " ", "mit", "MIT AND", "AND MIT", "MIT OR OR ISC", "(MIT", "MIT)", "MIT WITH MIT", "LicenseRef-", "LicenseRef-a b", "LicenseRef-\xc3\xa9",
                          "MIT and ISC", "LicenseRef-a+", "DocumentRef-:LicenseRef-y", "MIT ISC", "()"})
    CHECK_MESSAGE(!is_spdx_expression(bad), bad);
  std::string deep(100, '(');
  CHECK_FALSE(is_spdx_expression(deep + "MIT" + std::string(100, ')')));
  CHECK_FALSE(is_spdx_expression(std::string(max_expression_bytes, ' ') + "MIT"));
}

TEST_CASE("what a card says becomes a valid expression, whatever it is") {
  struct Row {
    std::string_view said, name, spdx;
  };
  for (const Row& row : {Row{"apache-2.0", "", "Apache-2.0"}, Row{"MIT", "", "MIT"}, Row{" mit ", "", "MIT"}, Row{"gpl-3.0", "", "GPL-3.0-only"},
                         Row{"llama3.1", "", "LicenseRef-hf-llama3.1"}, Row{"openrail++", "", "LicenseRef-hf-openrail-plus-plus"},
                         Row{"other", "", "LicenseRef-hf-other"}, Row{"other", "tongyi-qianwen", "LicenseRef-tongyi-qianwen"},
                         Row{"other", "My Own!", "LicenseRef-My-Own-"}, Row{"other", "MIT", "MIT"}, Row{"mit,apache-2.0", "", "MIT AND Apache-2.0"},
                         Row{"mit, MIT", "", "MIT"}, Row{"mit,MIT OR ISC", "", "MIT AND (MIT OR ISC)"}, Row{"MIT OR Apache-2.0", "", "MIT OR Apache-2.0"},
                         Row{"free for all", "", "LicenseRef-free-for-all"}, Row{"", "", "LicenseRef-unknown"}, Row{"\xff", "", "LicenseRef--"}}) {
    INFO(row.said);
    CHECK(spdx_of(row.said, row.name) == row.spdx);
    CHECK(is_spdx_expression(spdx_of(row.said, row.name)));
  }
  CHECK(is_spdx_expression(spdx_of(std::string(5000, 'x'))));
  std::string list;
  for (int i = 0; i < 1000; ++i)
    list += "x" + std::to_string(i) + ",";
  CHECK(is_spdx_expression(spdx_of(list)));
}

TEST_CASE("texts are recognised by their phrases, whatever their lines, quotes and marks") {
  CHECK(recognised_in(mit_grant) == "MIT");
  CHECK(recognised_in("Modified MIT License " + std::string(mit_grant)) == "LicenseRef-modified-mit");
  CHECK(recognised_in("# LLAMA 3.2 COMMUNITY\n**LICENSE** AGREEMENT\nLlama 3.2 Version Release Date: September 25, 2024") == "LicenseRef-hf-llama3.2");
  CHECK(recognised_in("META LLAMA 3 COMMUNITY LICENSE AGREEMENT\r\nMeta Llama 3 Version Release Date: April 18, 2024") == "LicenseRef-hf-llama3");
  CHECK(recognised_in("Community Data License Agreement \u2013 Permissive \u2013 Version 2.0") == "CDLA-Permissive-2.0");
  CHECK(recognised_in("Attribution-NonCommercial 4.0 International\n====\nCreative Commons Corporation (\u201cCreative Commons\u201d)") == "CC-BY-NC-4.0");
  CHECK(recognised_in("GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007") == "AGPL-3.0-only");
  CHECK(recognised_in("Apache License, Version 2.0 is what we use").empty());
  CHECK(recognised_in("").empty());
}

TEST_CASE("two claims agree when they can be meant for the same licence") {
  CHECK(may_agree("MIT", "MIT"));
  CHECK(may_agree("GPL-3.0-or-later", "GPL-3.0-only"));
  CHECK(may_agree("LicenseRef-hf-bsd", "BSD-3-Clause"));
  CHECK(may_agree("CC-BY-4.0", "LicenseRef-hf-cc"));
  CHECK(may_agree("LicenseRef-hf-other", "Apache-2.0"));
  CHECK(may_agree("LicenseRef-hf-openrail", "LicenseRef-hf-bigscience-openrail-m"));
  CHECK_FALSE(may_agree("MIT", "Apache-2.0"));
  CHECK_FALSE(may_agree("LicenseRef-hf-gpl", "LGPL-3.0-only"));
  CHECK_FALSE(may_agree("LicenseRef-hf-llama3", "LicenseRef-hf-llama3.1"));
}

TEST_CASE("licence, notice and policy files are known by their names") {
  for (const char* name : {"LICENSE", "license", "LICENSE.txt", "LICENCE.md", "LICENSE-2.0", "LICENSE-MODEL", "MODEL_LICENSE", "COPYING", "COPYING.LESSER", "Copyright",
                           "LICENSE.apache", "UNLICENSE", "terms_of_use.html", "LICENSES"})
    CHECK_MESSAGE(legal_file(name) == LegalFile::licence, name);
  for (const char* name : {"NOTICE", "Notice.txt", "NOTICES.md", "THIRD_PARTY_NOTICES", "AUTHORS"})
    CHECK_MESSAGE(legal_file(name) == LegalFile::notice, name);
  for (const char* name : {"USE_POLICY.md", "ACCEPTABLE_USE.txt", "Usage-Policy", "acceptable_use_policy.pdf"})
    CHECK_MESSAGE(legal_file(name) == LegalFile::policy, name);
  for (const char* name : {"", "README.md", "license.py", "license_checker.json", "relicensed", "policy.md", "config.json", "noticed.txt"})
    CHECK_MESSAGE(legal_file(name) == LegalFile::none, name);
}

TEST_CASE("what is lost with an item is known by its name") {
  for (const char* item : {"README.md:license", "README.md:license_link", "README.md:base_model", "README.md:datasets", "README.md:author", "key:general.license",
                           "key:general.license.name", "key:general.base_model.0.repo_url", "key:general.author", "metadata:modelspec.license",
                           "metadata:modelspec.author", "file:LICENSE", "file:NOTICE", "file:LICENSES/", "key:heirloom.license_text"})
    CHECK_MESSAGE(is_attribution(item), item);
  for (const char* item : {"README.md:tags", "README.md:body", "key:general.name", "key:general.licenses", "metadata:format", "file:notes.txt", "tensor:license",
                           "config.json:license", "license", "metadata:modelspec.title"})
    CHECK_MESSAGE(!is_attribution(item), item);
}
