/**
 * Files: inodes and open files as file systems supply them, dentries, mounts and path walks over them. Never imports
 * the kernel: what it needs of a task is a {@link gvisor.sentry.vfs.Caller}.
 *
 * <p>Names and paths are strings whose characters are the bytes of the name (ISO 8859-1), so that every Linux name
 * passes through unharmed. Files never block: a read or write that would wait returns
 * {@link gvisor.sentry.vfs.FileOps#WOULD_BLOCK}, and the caller waits on the file's readiness.
 */
package gvisor.sentry.vfs;
