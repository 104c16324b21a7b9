/** Global settings of the program and the log that higher layers read. */
package gvisor.runsc.config;
