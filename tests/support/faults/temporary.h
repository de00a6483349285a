// SPDX-License-Identifier: Apache-2.0
// Where a program could leave temporary files. Entry point: TemporaryPlaces.
#ifndef CORDON_TESTS_SUPPORT_FAULTS_TEMPORARY_H_
#define CORDON_TESTS_SUPPORT_FAULTS_TEMPORARY_H_

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"

namespace cordon {

class TemporaryPlaces {
 public:
  // Before anything is put into them. Others use /tmp, too: root gets places of its own; of an
  // ordinary user only those are looked at that the environment names, and the directory.
  static void Isolate() {
    static bool done = false;
    if (done || !IsRoot() || absl::StartsWith(CORDON_PAYLOAD_FOLDER, "/tmp/")) return;
    done = true;
    if (::unshare(CLONE_NEWNS) != 0) return;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    for (const char* place : {"/tmp", "/var/tmp", "/dev/shm"}) {
      if (::mount("tmpfs", place, "tmpfs", 0, "mode=1777") == 0) Own().push_back(place);
    }
  }

  TemporaryPlaces() {
    ::setenv("TMPDIR", named_.path().c_str(), 1);
    ::setenv("XDG_RUNTIME_DIR", named_.path().c_str(), 1);
    std::error_code error;
    std::filesystem::current_path(named_.path(), error);
  }

  // Everything that lies there now.
  std::set<std::string> Names() const {
    std::vector<std::string> places = Own();
    places.push_back(named_.path());
    places.push_back("/run/cordon");
    places.push_back(absl::StrCat("/run/user/", ::geteuid(), "/cordon"));
    std::set<std::string> names;
    for (const std::string& place : places) {
      for (const std::string& name : NamesIn(place)) names.insert(place + "/" + name);
    }
    return names;
  }

 private:
  static std::vector<std::string>& Own() {
    static std::vector<std::string> own;
    return own;
  }

  SharedFolder named_;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_FAULTS_TEMPORARY_H_
