package gvisor.sentry.loader;

import gvisor.sentry.mm.MmLimits;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;

/**
 * What to load. Strings are one character a byte (ISO 8859-1).
 *
 * @param file opened for execution; stays the caller's
 * @param path as the caller named it: AT_EXECFN and what a script's interpreter gets; {@code /dev/fd/N} for
 *     {@code execveat} with an empty path
 * @param pathVanishes the path will not be there for a script's interpreter (close-on-exec descriptor): ENOENT
 * @param limits of the process, for the new memory manager
 * @param randomize whether addresses are random; not with personality ADDR_NO_RANDOMIZE
 * @param minSignalStack AT_MINSIGSTKSZ in bytes, or 0 to leave it out
 */
public record LoadRequest(Caller caller, FileDescription file, String path, boolean pathVanishes, String[] argv,
    String[] envp, ProgramOpener opener, CredentialsRule credentials, MmLimits limits, boolean randomize,
    int minSignalStack) {}
