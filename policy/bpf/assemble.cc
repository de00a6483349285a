// SPDX-License-Identifier: Apache-2.0
// libseccomp behind one function. This is the one file of policy/ that makes system calls:
// libseccomp 2.5 exports a filter only to a file descriptor, so an anonymous memory file is made,
// read back and closed. Nothing of the host gets into the result.
#include "policy/bpf/assemble.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/bpf/prologue.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

// From this level on libseccomp takes every feature that we use as given, instead of asking the
// kernel with probing calls whose answers would change the filter.
constexpr unsigned int kApiLevel = 6;

// Binary search over call numbers: the default chain of comparisons is slower to run and no
// shorter to check.
constexpr uint32_t kOptimizeBinaryTree = 2;

class Context {
 public:
  explicit Context(uint32_t default_action) : context_(seccomp_init(default_action)) {}
  ~Context() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  scmp_filter_ctx get() const { return context_; }

 private:
  scmp_filter_ctx context_;
};

class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("cordon-filter", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

uint32_t LibseccompAction(const v1::SeccompAction& action) {
  switch (action.action()) {
    case v1::Seccomp::ALLOW:
      return SCMP_ACT_ALLOW;
    case v1::Seccomp::LOG:
      return SCMP_ACT_LOG;
    case v1::Seccomp::NOTIFY:
      return SCMP_ACT_NOTIFY;
    case v1::Seccomp::ERRNO:
      return SCMP_ACT_ERRNO(action.errno_value());
    default:
      return SCMP_ACT_KILL_PROCESS;
  }
}

scmp_compare LibseccompOperator(v1::ArgCompare::Op op) {
  switch (op) {
    case v1::ArgCompare::EQ:
      return SCMP_CMP_EQ;
    case v1::ArgCompare::NE:
      return SCMP_CMP_NE;
    case v1::ArgCompare::LT:
      return SCMP_CMP_LT;
    case v1::ArgCompare::LE:
      return SCMP_CMP_LE;
    case v1::ArgCompare::GT:
      return SCMP_CMP_GT;
    case v1::ArgCompare::GE:
      return SCMP_CMP_GE;
    default:
      return SCMP_CMP_MASKED_EQ;
  }
}

scmp_arg_cmp LibseccompCompare(const v1::ArgCompare& compare) {
  scmp_arg_cmp result = {};
  result.arg = compare.arg();
  result.op = LibseccompOperator(compare.op());
  const bool masked = compare.op() == v1::ArgCompare::MASKED_EQ;
  result.datum_a = masked ? compare.mask() : compare.value();
  result.datum_b = masked ? compare.value() : 0;
  return result;
}

// libseccomp returns a negative errno.
Error Failed(absl::string_view call, absl::string_view object, int result) {
  return Error(absl::StatusCode::kInternal, "libseccomp cannot assemble the filter")
      .Syscall(call, object, -result);
}

absl::Status AddRule(const Context& context, const v1::SyscallRule& rule) {
  std::vector<scmp_arg_cmp> compares;
  for (const v1::ArgCompare& compare : rule.when()) {
    compares.push_back(LibseccompCompare(compare));
  }
  const int result = seccomp_rule_add_exact_array(
      context.get(), LibseccompAction(rule.action()), static_cast<int>(rule.number()),
      static_cast<unsigned int>(compares.size()), compares.data());
  // An equal rule is there already: what that means for the filter is for the check to say.
  if (result == 0 || result == -EEXIST) return absl::OkStatus();
  return static_cast<absl::Status>(
      Failed("seccomp_rule_add_exact_array", rule.call(), result).Field(rule.field()));
}

absl::StatusOr<std::string> Export(const Context& context) {
  const MemoryFile file;
  if (file.fd() < 0) {
    return Error(absl::StatusCode::kInternal, "cannot make a memory file for the filter")
        .Syscall("memfd_create", "cordon-filter", errno);
  }
  const int result = seccomp_export_bpf(context.get(), file.fd());
  if (result < 0) return Failed("seccomp_export_bpf", "", result);
  const off_t size = lseek(file.fd(), 0, SEEK_END);
  if (size <= 0 || lseek(file.fd(), 0, SEEK_SET) != 0) {
    return Error(absl::StatusCode::kInternal, "cannot read the filter back")
        .Syscall("lseek", "cordon-filter", errno);
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t part = read(file.fd(), &bytes[done], bytes.size() - done);
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) {
      return Error(absl::StatusCode::kInternal, "cannot read the filter back")
          .Syscall("read", "cordon-filter", errno);
    }
    done += static_cast<size_t>(part);
  }
  return bytes;
}

absl::Status SetUp(const Context& context) {
  if (context.get() == nullptr) return Failed("seccomp_init", "", -ENOMEM);
  int result = seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (result != 0) return Failed("seccomp_attr_set", "SCMP_FLTATR_ACT_BADARCH", result);
  result = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, kOptimizeBinaryTree);
  if (result != 0) return Failed("seccomp_attr_set", "SCMP_FLTATR_CTL_OPTIMIZE", result);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> Assemble(const v1::SeccompRules& rules, Architecture architecture) {
  if (architecture != NativeArchitecture()) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 absl::StrCat("filters for ", ArchitectureName(architecture),
                              " are made by a Cordon that runs on it"));
  }
  const int level = seccomp_api_set(kApiLevel);
  if (level != 0) return Failed("seccomp_api_set", "", level);
  const Context context(LibseccompAction(rules.default_action()));
  CORDON_RETURN_IF_ERROR(SetUp(context));
  const uint32_t default_action = LibseccompAction(rules.default_action());
  for (const v1::SyscallRule& rule : rules.rule()) {
    // libseccomp refuses a rule that says what happens anyway.
    if (LibseccompAction(rule.action()) == default_action) continue;
    CORDON_RETURN_IF_ERROR(AddRule(context, rule));
  }
  CORDON_ASSIGN_OR_RETURN(const std::string body, Export(context));
  std::string bytes = Prologue(rules, architecture) + body;
  const size_t length = bytes.size() / sizeof(sock_filter);
  if (length > uapi::kMaxFilterInstructions) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("the filter has ", length, " instructions; the kernel loads at most ",
                              uapi::kMaxFilterInstructions))
        .Hint("use fewer conditions");
  }
  return bytes;
}

}  // namespace cordon
