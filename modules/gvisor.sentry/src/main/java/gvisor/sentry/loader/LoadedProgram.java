package gvisor.sentry.loader;

import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.vfs.FileDescription;

/**
 * A program ready to run. Owns {@link #mm} and {@link #executable}: whoever takes it over releases them in the end.
 *
 * @param entry first instruction
 * @param stackPointer points at {@code argc}
 * @param comm the task's name, at most 15 bytes
 * @param executable what {@code /proc/[pid]/exe} leads to: for a script, the interpreter; one reference
 * @param credentials who it runs as
 * @param secure AT_SECURE: it gained rights that its environment must not abuse
 */
public record LoadedProgram(MemoryManager mm, long entry, long stackPointer, String comm, FileDescription executable,
    Credentials credentials, boolean secure) {}
