// What the engine offers to a plugin: heirloom.host.files/1, .log/1 and .progress/1 over a FileSet and a Log. The
// functions behind get() may be called from any thread; the object must outlive every reader that was opened with it.
#pragma once

#include "engine/base/file_set.hpp"
#include "engine/base/log.hpp"
#include "heirloom/abi.h"

#include <string>

namespace heirloom::host {

class HostServices {
 public:
  // `files` may be null: then there is no heirloom.host.files/1. It outlives this object.
  HostServices(const base::FileSet* files, base::Log log, std::string plugin);
  HostServices(const HostServices&) = delete;
  HostServices& operator=(const HostServices&) = delete;

  const heirloom_host* get() const { return &host_; }
  const base::FileSet* files() const { return files_; }
  const base::Log& log() const { return log_; }
  const std::string& plugin() const { return plugin_; }

 private:
  const base::FileSet* files_;
  base::Log log_;
  std::string plugin_;
  heirloom_host host_;
};

}  // namespace heirloom::host
