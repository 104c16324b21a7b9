/**
 * Everything that leaves Java: libc through JNA, machine code of our own (system calls among it) through one FFM call
 * shape, and the memory both work on. Not exported; {@code gvisor.host} wraps it in types that own descriptors
 * and translate error numbers.
 */
package gvisor.host.libc;
