/**
 * Everything that leaves Java: libc through JNA direct mapping (primitives only), machine code of our own through one
 * FFM call shape, and the memory both work on. Not exported; {@code gvisor.host} wraps it in types that own descriptors
 * and translate error numbers.
 */
package gvisor.host.libc;
