// SPDX-License-Identifier: Apache-2.0
// cordon-scope: asks a systemd manager for a delegated transient scope with its parent in it, and
// waits until the parent is there. Started by `cordon` when that has no group of its own; apart
// from it because sd-bus exists as a shared library only, which every start would pay for.
//
//   cordon-scope user|system PID UNIT [SLICE]
//
// Prints nothing and exits 0, or one line that says why not and exits 1. Moves its parent and
// nothing else: PID is compared with it, and a manager that would read it as the number of another
// process is not asked.
#include <sys/prctl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tools/cordon_scope/connect.h"

namespace {

constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kObject[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr uint64_t kTimeoutUs = 10'000'000;

int Fail(const char* what, int error) {
  std::printf("%s: %s\n", what, std::strerror(error < 0 ? -error : error));
  return 1;
}

struct Job {
  std::string path;
  std::string result;  // "done", or why not; "" while it runs
};

int OnJobRemoved(sd_bus_message* message, void* data, sd_bus_error*) {
  Job* job = static_cast<Job*>(data);
  uint32_t id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0) return 0;
  if (job->path == path) job->result = result;
  return 0;
}

// Properties of the unit. Delegate: systemd leaves everything below the scope to us. CollectMode:
// nothing of it stays, however it ends.
int AppendProperties(sd_bus_message* call, uint32_t pid, const char* slice) {
  int rc = sd_bus_message_open_container(call, 'a', "(sv)");
  if (rc >= 0) rc = sd_bus_message_append(call, "(sv)", "Description", "s", "Cordon sandbox");
  if (rc >= 0) rc = sd_bus_message_append(call, "(sv)", "Delegate", "b", 1);
  if (rc >= 0) rc = sd_bus_message_append(call, "(sv)", "CollectMode", "s", "inactive-or-failed");
  if (rc >= 0) rc = sd_bus_message_append(call, "(sv)", "PIDs", "au", 1, pid);
  if (rc >= 0 && slice != nullptr) {
    rc = sd_bus_message_append(call, "(sv)", "Slice", "s", slice);
  }
  return rc < 0 ? rc : sd_bus_message_close_container(call);
}

int Start(sd_bus* bus, uint32_t pid, const char* unit, const char* slice, Job* job) {
  sd_bus_message* call = nullptr;
  int rc =
      sd_bus_message_new_method_call(bus, &call, kService, kObject, kManager, "StartTransientUnit");
  if (rc >= 0) rc = sd_bus_message_append(call, "ss", unit, "fail");
  if (rc >= 0) rc = AppendProperties(call, pid, slice);
  if (rc >= 0) rc = sd_bus_message_append(call, "a(sa(sv))", 0);
  if (rc < 0) return Fail("StartTransientUnit", rc);
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message* reply = nullptr;
  rc = sd_bus_call(bus, call, kTimeoutUs, &error, &reply);
  if (rc < 0) {
    std::printf("StartTransientUnit: %s\n",
                error.message != nullptr ? error.message : std::strerror(-rc));
    return 1;
  }
  const char* path = nullptr;
  rc = sd_bus_message_read(reply, "o", &path);
  if (rc < 0) return Fail("StartTransientUnit", rc);
  job->path = path;
  return 0;
}

// Order: subscribed before the job is made, so that its end cannot be missed.
int Run(sd_bus* bus, uint32_t pid, const char* unit, const char* slice) {
  Job job;
  int rc = sd_bus_match_signal(bus, nullptr, nullptr, kObject, kManager, "JobRemoved", OnJobRemoved,
                               &job);
  if (rc < 0) return Fail("JobRemoved", rc);
  sd_bus_error error = SD_BUS_ERROR_NULL;
  rc = sd_bus_call_method(bus, kService, kObject, kManager, "Subscribe", &error, nullptr, "");
  if (rc < 0) return Fail("Subscribe", rc);
  if (Start(bus, pid, unit, slice, &job) != 0) return 1;
  while (job.result.empty()) {
    rc = sd_bus_process(bus, nullptr);
    if (rc == 0) rc = sd_bus_wait(bus, kTimeoutUs);
    if (rc < 0) return Fail("waiting for the scope", rc);
    if (rc == 0) {
      std::printf("systemd did not start the scope within 10 s\n");
      return 1;
    }
  }
  if (job.result == "done") return 0;
  std::printf("systemd did not start the scope: %s\n", job.result.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string kind = argc > 1 ? argv[1] : "";
  if (argc < 4 || argc > 5 || (kind != "user" && kind != "system")) {
    std::printf("usage: cordon-scope user|system PID UNIT [SLICE]\n");
    return 2;
  }
  // A parent that dies takes the request with it; one that is dead already was not ours.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Fail("prctl", errno);
  const unsigned long pid = std::strtoul(argv[2], nullptr, 10);
  if (pid < 2 || pid != static_cast<unsigned long>(::getppid())) {
    std::printf("%s is not the process that started cordon-scope\n", argv[2]);
    return 2;
  }
  sd_bus* bus = nullptr;
  const int rc = cordon::scope::Connect(kind == "user", &bus);
  if (rc < 0) {
    return Fail(kind == "user" ? "no systemd user manager answers" : "no systemd manager answers",
                rc);
  }
  if (!cordon::scope::CountsProcessesAsWeDo(bus)) {
    std::printf("the systemd manager is outside of this PID namespace\n");
    return 1;
  }
  return Run(bus, static_cast<uint32_t>(pid), argv[3], argc == 5 ? argv[4] : nullptr);
}
