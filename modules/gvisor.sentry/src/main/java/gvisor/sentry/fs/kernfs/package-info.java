/**
 * A tree of directories and generated files for file systems that show the kernel's state: proc, sysfs, cgroup. A file's
 * content is made whole when it is read from its start, and a reader goes on in that copy.
 *
 * <p>Fixed parts of a tree are built at mount and never change, so they need no lock; directories whose names come and
 * go answer from the kernel's own tables.
 */
package gvisor.sentry.fs.kernfs;
