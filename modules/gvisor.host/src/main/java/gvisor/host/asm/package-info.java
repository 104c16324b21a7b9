/** Machine code as readable Java: the few x86-64 instructions that stubs and fast paths are written in. Pure. */
package gvisor.host.asm;
