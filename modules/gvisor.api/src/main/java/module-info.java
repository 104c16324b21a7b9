/** Contracts between the parts of the system and the Linux ABI they speak; depends on nothing but java.base. */
module gvisor.api {
  exports gvisor.api.abi;
  exports gvisor.api.errno;
  exports gvisor.api.host;
  exports gvisor.api.mem;
  exports gvisor.api.p9;
  exports gvisor.api.platform;
  exports gvisor.api.waiter;
}
