/** The commands, one class each; picocli fills their fields. */
package gvisor.runsc.cmd;
