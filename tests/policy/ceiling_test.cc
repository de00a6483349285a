// SPDX-License-Identifier: Apache-2.0
#include "policy/ceiling.h"

#include <map>

#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

// Shipped profiles, and files of the test in the folder /site.
class Files : public ProfileSource {
 public:
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override {
    absl::StatusOr<PolicyBytes> shipped = ShippedProfiles().Load(reference, directory);
    if (shipped.ok()) return shipped;
    const std::string path =
        reference[0] == '/' ? std::string(reference) : absl::StrCat("/site/", reference);
    const auto found = texts.find(path);
    if (found == texts.end()) return Error(absl::StatusCode::kNotFound, "no such policy");
    return PolicyBytes{std::string(reference), found->second, PolicyForm::kText, "/site"};
  }
  std::map<std::string, std::string> texts;
};

absl::Status Held(Files files, const std::string& text) {
  files.texts["/site/own.textproto"] = text;
  CORDON_ASSIGN_OR_RETURN(ParsedPolicy parsed, ResolvePolicy("own.textproto", "", files));
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, NormalPolicy::Make(std::move(parsed)));
  return HoldCeilings(policy, files);
}

TEST(CeilingTest, TighteningIsFine) {
  EXPECT_THAT(Held({},
                   "extends: \"judge/cpp\" ceiling: \"judge/cpp\" "
                   "limits { memory: \"64MiB\" processes: 1 }"),
              IsOk());
}

TEST(CeilingTest, EveryWideningIsAnErrorAtItsLine) {
  const absl::Status status = Held({},
                                   "extends: \"judge/cpp\"\nceiling: \"judge/cpp\"\n"
                                   "limits { memory: \"1GiB\" }\n"
                                   "mounts { bind { source: \"/srv\" } }\n");
  EXPECT_THAT(status, HasErrorWith("limits.memory (own.textproto:3:10): allows more than its "
                                   "ceiling \"judge/cpp\": memory: 1GiB, was 512MiB"));
  EXPECT_THAT(status, HasErrorWith("own.textproto:4:10): allows more than its ceiling "
                                   "\"judge/cpp\": may read the host's /srv"));
  EXPECT_EQ(DetailsOf(status).size(), 2u);
}

// Who extends a profile that has a ceiling is bound by it, and cannot lift it.
TEST(CeilingTest, IsInherited) {
  Files files;
  files.texts["/site/base.textproto"] = "extends: \"judge/cpp\" ceiling: \"top.textproto\"";
  files.texts["/site/top.textproto"] = "extends: \"judge/cpp\" limits { memory: \"600MiB\" }";
  const std::string extends = "extends: \"base.textproto\" ";
  EXPECT_THAT(Held(files, extends + "limits { memory: \"600MiB\" }"), IsOk());
  EXPECT_THAT(Held(files, extends + "limits { memory: \"601MiB\" }"),
              HasErrorWith("601MiB, was 600MiB"));
  EXPECT_THAT(Held(files, extends + "ceiling: \"base/build\" limits { memory: \"601MiB\" }"),
              HasErrorWith("601MiB, was 600MiB"));
}

TEST(CeilingTest, AllCeilingsHold) {
  EXPECT_THAT(Held({}, "extends: \"judge/cpp\" ceiling: \"base/build\" ceiling: \"base/strict\""),
              HasErrorWith("allows more than its ceiling \"base/"));
}

TEST(CeilingTest, ACeilingThatIsNotThereIsAnError) {
  const absl::Status status = Held({}, "extends: \"judge/cpp\" ceiling: \"no/such\"");
  EXPECT_THAT(status, HasErrorWith("ceiling[0] (own.textproto:1:"));
  EXPECT_THAT(status, HasErrorWith("no such policy"));
}

}  // namespace
}  // namespace cordon
