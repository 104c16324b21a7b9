package gvisor.sentry.vfs;

import java.lang.ref.WeakReference;
import java.util.concurrent.ConcurrentHashMap;

/** How a directory holds a child: the entry removes itself from the directory's map once the child was collected. */
final class DentryRef extends WeakReference<Dentry> {
  private final String name;
  private final ConcurrentHashMap<String, DentryRef> home;

  DentryRef(Dentry dentry, ConcurrentHashMap<String, DentryRef> home, DentryCache cache) {
    super(dentry, cache.collected());
    this.name = dentry.name();
    this.home = home;
  }

  void forget() {
    home.remove(name, this);
  }
}
