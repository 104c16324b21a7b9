/** Seccomp filters: classic BPF programs over a system call's number, arguments and place. */
package gvisor.host.seccomp;
