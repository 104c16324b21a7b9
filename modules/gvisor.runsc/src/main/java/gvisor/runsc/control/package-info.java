/** What the command line and a sandbox say to each other: length-prefixed JSON values with descriptors, over a Unix socket. */
package gvisor.runsc.control;
