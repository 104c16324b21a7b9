/** What is particular to x86-64: the layout of signal frames. Depends on the registers' order and nothing else. */
package gvisor.sentry.arch;
