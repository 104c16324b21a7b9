package gvisor.sentry.vfs;

/** A place in the tree of mounts. Like Linux {@code struct path}. */
public record Path(Mount mount, Dentry dentry) {}
