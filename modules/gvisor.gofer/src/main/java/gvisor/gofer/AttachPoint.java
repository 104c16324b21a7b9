package gvisor.gofer;

/**
 * A place of the host that the peer may attach to.
 *
 * @param name what Tattach calls it
 * @param path a directory, or another file that is bind-mounted by itself; symbolic links are followed once, at start
 * @param readOnly refuse every change with EROFS
 */
public record AttachPoint(String name, String path, boolean readOnly) {}
