/** Control groups of the host, versions 1 and 2: what the processes of a sandbox may take of the machine. */
package gvisor.runsc.cgroup;
