package gvisor.sentry.vfs;

import gvisor.api.waiter.WaitEntry;

/**
 * Whom an open file signals when something can be done with it: like Linux {@code struct fown_struct} and
 * {@code fasync_struct} in one. Registered with the file for all events, as long as the file is open; who is signalled
 * and how is the kernel's business.
 */
public abstract class FileOwner extends WaitEntry {
  /** O_ASYNC was set through descriptor {@code fd}, or cleared ({@code fd} -1). */
  public abstract void setAsync(int fd);
}
