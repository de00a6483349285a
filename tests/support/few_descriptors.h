// SPDX-License-Identifier: Apache-2.0
// Entry point: FewDescriptors.
#ifndef CORDON_TESTS_SUPPORT_FEW_DESCRIPTORS_H_
#define CORDON_TESTS_SUPPORT_FEW_DESCRIPTORS_H_

#include <fcntl.h>
#include <sys/resource.h>

namespace cordon {

// While it lives, this process can open `room` more descriptors and then fails with EMFILE.
class FewDescriptors {
 public:
  explicit FewDescriptors(int room) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    int free = 0;
    for (low.rlim_cur = 0; free <= room; ++low.rlim_cur) {
      if (::fcntl(static_cast<int>(low.rlim_cur), F_GETFD) < 0) ++free;
    }
    --low.rlim_cur;
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_FEW_DESCRIPTORS_H_
