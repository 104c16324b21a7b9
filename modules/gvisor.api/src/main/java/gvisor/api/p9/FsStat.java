package gvisor.api.p9;

/** What {@code statfs(2)} tells of a file system; sizes in units of {@code blockSize} bytes. */
public record FsStat(int type, int blockSize, long blocks, long freeBlocks, long availableBlocks, long files,
    long freeFiles, long fsId, int maxName) {}
