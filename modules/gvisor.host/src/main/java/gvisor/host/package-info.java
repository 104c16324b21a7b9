/**
 * The host kernel as Java types: descriptors ({@link gvisor.host.Fd}), the sandbox's memory ({@link
 * gvisor.host.MemFd}), readiness ({@link gvisor.host.Poller}), sockets that carry descriptors ({@link
 * gvisor.host.ScmSocket}), child processes ({@link gvisor.host.Spawn}), clocks, random bytes, terminals, processors. A
 * failed host call is an {@link gvisor.api.errno.ErrnoException}; an interrupted one is repeated here.
 */
package gvisor.host;
