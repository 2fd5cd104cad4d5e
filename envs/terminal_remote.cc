// ssh, exit, scp and rsync of the simulated shell.
#include <utility>

#include "core/text.h"
#include "envs/terminal_commands.h"

namespace turnhalle::terminal {
namespace {

// user@host:path or host:path; a drive letter is no host.
bool is_remote(const std::string& operand) {
  const std::size_t colon = operand.find(':');
  return colon != std::string::npos && colon > 1 && operand.find_first_of("/\\") > colon;
}

// "user@host"; without a user it is the one who calls.
struct Address {
  std::string user;
  std::string host;

  Address(const std::string& text, const std::string& caller) {
    const std::size_t sign = text.find('@');
    user = sign == std::string::npos ? caller : text.substr(0, sign);
    host = sign == std::string::npos ? text : text.substr(sign + 1);
  }
};

// Why the remote machine does not let one in, or "".
std::string refusal(const Address& address, const Machine& remote) {
  if (address.host != remote.host) {
    return "connect to host " + in_quotes(address.host) + ": connection refused";
  }
  return address.user == remote.user ? "" : "permission denied (publickey)";
}

}  // namespace

Output Commands::connect(const Words& words) {
  const Arguments arguments = arguments_of(words, false, "pio");
  if (shell_.connected_) return failed("ssh", "you are connected already");
  if (arguments.operands.size() != 1) {
    return failed("ssh", "write ssh user@host and give commands afterwards");
  }
  Machine& remote = shell_.remote_;
  const std::string refused = refusal({arguments.operands[0], machine_.user}, remote);
  if (!refused.empty()) return failed("ssh", refused);
  shell_.connected_ = true;
  remote.cwd = remote.files.is_directory(remote.home) ? remote.home : "/";
  return {true, "Connected to " + remote.host + ".\n"};
}

Output Commands::leave(const Words&) {
  if (!shell_.connected_) return failed("exit", "you are not connected");
  shell_.connected_ = false;
  return {true, "Connection to " + shell_.remote_.host + " closed.\n"};
}

// rsync: DIR/ stands for what is in it, and a last directory of the target is made.
Output Commands::sync(const Arguments& arguments, const Place& from, const Place& to) {
  if (from.machine.files.find(from.path) == nullptr) return missing(arguments.name, from.written);
  const bool contents = from.is_directory() && names_directory(from.machine, from.written);
  if (contents && !arguments.recursive()) {
    return failed(arguments.name, in_quotes(from.written) + " is a directory (use -r)");
  }
  if (contents || names_directory(to.machine, to.written)) {
    const std::string_view refused = to.machine.files.put(to.path, directory_of(to.machine.user));
    if (!refused.empty()) {
      return failed(arguments.name, in_quotes(to.written) + ": " + std::string(refused));
    }
  }
  if (!contents) return copy_one(arguments, from, to);
  const std::string_view refused =
      to.machine.files.put_tree(to.path, from.machine.files.tree(from.path), to.machine.user);
  if (refused.empty()) return {};
  return failed(arguments.name, in_quotes(to.written) + ": " + std::string(refused));
}

Output Commands::transfer(const Words& words) {
  const std::string& name = words[0];
  if (shell_.connected_) return failed(name, "leave the remote machine first (exit)");
  Arguments arguments = arguments_of(words, false, name == "scp" ? "Pio" : "e");
  if (arguments.operands.size() < 2) return failed(name, "a source and a target are needed");
  const std::string last = arguments.operands.back();
  arguments.operands.pop_back();
  const bool upload = is_remote(last);
  Machine& remote = shell_.remote_;
  remote.cwd = remote.files.is_directory(remote.home) ? remote.home : "/";
  const auto far = [&remote](const std::string& written) -> Place {
    const std::string path = written.substr(written.find(':') + 1);
    return {remote, resolved(remote, path), path};
  };
  const Place to = upload ? far(last) : place(last);
  for (const std::string& operand : arguments.operands) {
    if (is_remote(operand) == upload) return failed(name, "one side must be user@host:path");
    const std::string& distant = upload ? last : operand;
    const Address address(distant.substr(0, distant.find(':')), machine_.user);
    const std::string refused = refusal(address, remote);
    if (!refused.empty()) return failed(name, refused);
    Words written = upload ? Words{operand} : globbed(remote, far(operand).written);
    if (arguments.operands.size() + written.size() > 2 && !to.is_directory()) {
      return failed(name, in_quotes(last) + " is not a directory");
    }
    for (const std::string& word : written) {
      const Place from = upload ? place(word) : Place{remote, resolved(remote, word), word};
      const Output copied =
          name == "rsync" ? sync(arguments, from, to) : copy_one(arguments, from, to);
      if (!copied.ok) return copied;
    }
  }
  return {};
}

}  // namespace turnhalle::terminal
