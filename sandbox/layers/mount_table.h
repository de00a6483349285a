// SPDX-License-Identifier: Apache-2.0
// The mount table of a sandbox: what a plan comes to, row by row, and its comparison with what the
// kernel shows. Nothing may be missing, extra, stacked, or differ. Internal to sandbox/layers.
#ifndef CORDON_SANDBOX_LAYERS_MOUNT_TABLE_H_
#define CORDON_SANDBOX_LAYERS_MOUNT_TABLE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/launch/sources.h"
#include "sandbox/layers/read_back.h"

namespace cordon {

struct ExpectedMount {
  std::string place;  // mount point
  std::string field;  // of the policy
  std::string
      inside;  // the source of the bind that the place lies in; empty: a file system of ours
  std::string type;
  std::string device;  // "8:1"; empty: a file system of its own, unknown to the caller
  std::string root;    // empty: see `mask`
  std::set<std::string> options;
  // What the place must lead to, unless something else is mounted or masked over it.
  const ResolvedSource* source = nullptr;
  bool device_node = false;  // the number counts, not the inode
  bool planned = true;       // false: came along with the source of a bind
  bool mask = false;         // not there if there is nothing to hide
  bool process_only = false;
  uint64_t bytes = 0;  // quota of a tmpfs; 0: none to compare
  uint64_t inodes = 0;
  uint32_t mode = 0;  // of a tmpfs; 0: none to compare
};

// MOUNT_ATTR_* that a planned mount is given.
uint64_t MountAttributes(const v1::MountEntry& entry);
// False for links, files, directories, and binds whose optional source does not exist.
bool IsMounted(const v1::MountEntry& entry, const ResolvedSource& source);

// The bind that the target of entry `index` lies in, or null where that is a file system of ours:
// the deepest entry before it decides.
const v1::MountEntry* EnclosingBind(const v1::MountPlan& plan, const ResolvedSources& sources,
                                    int index);

// The root first; of one place, what is covered before what covers it. Points into `sources`.
std::vector<ExpectedMount> ExpectedTable(const v1::MountPlan& plan, const ResolvedSources& sources);

// Where the planned mounts are: what ReadPlaces is to look at.
std::vector<std::string> PlacesOf(const v1::MountPlan& plan);

// `back` has its mounts and its places.
absl::Status CompareTable(const std::vector<ExpectedMount>& table, const ResolvedSources& sources,
                          const ReadBack& back);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_MOUNT_TABLE_H_
