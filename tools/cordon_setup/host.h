// SPDX-License-Identifier: Apache-2.0
// Looks at the host that cordon-setup is to change; changes nothing.
#ifndef CORDON_TOOLS_CORDON_SETUP_HOST_H_
#define CORDON_TOOLS_CORDON_SETUP_HOST_H_

#include <string>

#include "tools/cordon_setup/plan.h"

namespace cordon::setup {

// Every file is read below `root` ("" for the host itself). `cordon` is the path of the command as
// it is on that host.
Host LookAt(const std::string& root, const std::string& cordon);

// A small file's text below `root`, "" when it cannot be read.
std::string TextOf(const std::string& root, const std::string& path);

}  // namespace cordon::setup

#endif  // CORDON_TOOLS_CORDON_SETUP_HOST_H_
