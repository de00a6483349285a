// SPDX-License-Identifier: Apache-2.0
// Any bytes as what the kernel prints: the first byte chooses the parser. A parsed value never
// holds more than the text did.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "sandbox/os/procfs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 7) {
    case 0: {
      const auto mounts = cordon::ParseMountInfo(text);
      if (!mounts.ok()) return 0;
      for (const cordon::MountInfo& mount : *mounts) {
        if (mount.mount_point.size() + mount.root.size() > text.size()) std::abort();
      }
      return 0;
    }
    case 1:
      if (cordon::ParseStatus(text).size() > size) std::abort();
      return 0;
    case 2:
      (void)cordon::ParseCgroupFile(text);
      return 0;
    case 3:
      (void)cordon::ParseLimits(text);
      return 0;
    case 4:
      (void)cordon::ParseIdMap(text);
      return 0;
    case 5:
      (void)cordon::ParseFlatKeyed(text);
      (void)cordon::ParseNumber(text);
      return 0;
    default:
      (void)cordon::ParseBlockedCall(text);
      (void)cordon::ParseNetDev(text);
      return 0;
  }
}
