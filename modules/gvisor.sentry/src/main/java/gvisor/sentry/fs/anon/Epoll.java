package gvisor.sentry.fs.anon;

import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ELOOP;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Vfs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An epoll instance ({@code man 7 epoll}): files it watches, and a list of those that may be ready.
 *
 * <p>Notification only puts an item on the list, under {@link #readyLock}; whether it is ready is asked when somebody
 * collects. The {@link #interestLock} keeps collecting, adding and removing apart, so that an edge is delivered once.
 * Watching instances in one another is bounded in depth and free of circles, which is what orders their locks.
 */
public final class Epoll implements FileOps {
  public static final int EPOLLEXCLUSIVE = 1 << 28;
  public static final int EPOLLWAKEUP = 1 << 29;
  public static final int EPOLLONESHOT = 1 << 30;
  public static final int EPOLLET = 1 << 31;

  /** Bytes of {@code struct epoll_event}, packed on x86-64. */
  public static final int EVENT_SIZE = 12;

  private static final int FLAGS = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET;
  private static final int EXCLUSIVE_OK =
      EventMask.EPOLLIN | EventMask.EPOLLOUT | EventMask.ALWAYS | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

  /** How deep instances may watch one another. */
  private static final int MAX_NESTING = 5;

  /** More files than this one instance does not watch. */
  private static final int MAX_WATCHES = 1 << 18;

  private record Key(int fd, FileDescription file) {}

  /** One watched file. */
  private final class Item extends WaitEntry implements FileDescription.CloseListener {
    final Key key;

    // Guarded by interestLock; read by notification, for which an old value costs one look.
    volatile int events;
    long data;
    boolean isGone;

    // Guarded by readyLock.
    boolean isQueued;
    Item next;

    Item(Key key, int events, long data) {
      this.key = key;
      this.events = events;
      this.data = data;
    }

    int wanted() {
      return events & ~FLAGS;
    }

    @Override
    public void notify(int mask) {
      if (wanted() != 0) {
        enqueue(this);
        queue.notify(EventMask.READABLE);
      }
    }

    @Override
    public void fileClosed(FileDescription file) {
      interestLock.lock();
      try {
        if (!isGone) {
          items.remove(key);
          detach(this);
        }
      } finally {
        interestLock.unlock();
      }
    }
  }

  private final ReentrantLock interestLock = new ReentrantLock();
  private final ReentrantLock readyLock = new ReentrantLock();
  private final WaitQueue queue = new WaitQueue();

  // Guarded by interestLock.
  private final Map<Key, Item> items = new HashMap<>();

  // Guarded by readyLock.
  private Item readyHead;
  private Item readyTail;
  private int readyCount;

  /** Who watches this instance; changes with {@link #nestingLock} held, but for what goes. */
  private final List<Epoll> outer = new CopyOnWriteArrayList<>();

  /** Held while an instance comes to be watched by another: one for all. Above {@link #interestLock}. */
  private final ReentrantLock nestingLock;

  private Epoll(ReentrantLock nestingLock) {
    this.nestingLock = nestingLock;
  }

  /** A new instance. */
  public static FileDescription open(Vfs vfs) {
    return AnonFile.open(vfs, new Epoll(vfs.nestingLock()), "[eventpoll]", OpenFlags.O_RDWR);
  }

  /** The instance behind an open file; EINVAL when it is something else. */
  public static Epoll of(FileDescription file) throws ErrnoException {
    if (file.ops() instanceof Epoll e) {
      return e;
    }
    throw EINVAL.error();
  }

  /** EPOLL_CTL_ADD. {@code fd} only names the item: the file is what is watched. */
  public void add(int fd, FileDescription file, int events, long data) throws ErrnoException {
    checkTarget(file);
    if ((events & EPOLLEXCLUSIVE) != 0 && ((events & ~EXCLUSIVE_OK) != 0 || file.ops() instanceof Epoll)) {
      throw EINVAL.error();
    }
    Epoll inner = file.ops() instanceof Epoll e ? e : null;
    if (inner != null) {
      nest(inner);
    }
    boolean added = false;
    Item item = new Item(new Key(fd, file), events, data);
    interestLock.lock();
    try {
      if (items.containsKey(item.key)) {
        throw EEXIST.error();
      }
      if (items.size() >= MAX_WATCHES) {
        throw ENOSPC.error();
      }
      items.put(item.key, item);
      file.addCloseListener(item);
      file.register(item, item.wanted() | EventMask.ALWAYS);
      added = true;
      look(item);
    } finally {
      interestLock.unlock();
      if (inner != null && !added) {
        inner.outer.remove(this);
      }
    }
  }

  /** EPOLL_CTL_MOD. */
  public void modify(int fd, FileDescription file, int events, long data) throws ErrnoException {
    checkTarget(file);
    interestLock.lock();
    try {
      Item item = items.get(new Key(fd, file));
      if (item == null) {
        throw ENOENT.error();
      }
      if (((events | item.events) & EPOLLEXCLUSIVE) != 0) {
        throw EINVAL.error();
      }
      file.unregister(item);
      item.events = events;
      item.data = data;
      file.register(item, item.wanted() | EventMask.ALWAYS);
      look(item);
    } finally {
      interestLock.unlock();
    }
  }

  /** EPOLL_CTL_DEL. */
  public void remove(int fd, FileDescription file) throws ErrnoException {
    checkTarget(file);
    interestLock.lock();
    try {
      Item item = items.remove(new Key(fd, file));
      if (item == null) {
        throw ENOENT.error();
      }
      file.removeCloseListener(item);
      detach(item);
    } finally {
      interestLock.unlock();
    }
  }

  private void checkTarget(FileDescription file) throws ErrnoException {
    if (file.ops() == this) {
      throw EINVAL.error();
    }
    if (!file.ops().isPollable()) {
      throw EPERM.error();
    }
  }

  /** Adds the watch {@code inner} is to get from here to the graph of instances: ELOOP for a circle or a deep chain. */
  private void nest(Epoll inner) throws ErrnoException {
    nestingLock.lock();
    try {
      Map<Epoll, Integer> below = new IdentityHashMap<>();
      int deepest = inner.longest(below, true);
      if (below.containsKey(this) || longest(new IdentityHashMap<>(), false) + deepest > MAX_NESTING) {
        throw ELOOP.error();
      }
      inner.outer.add(this);
    } finally {
      nestingLock.unlock();
    }
  }

  /** How many instances the longest chain from here has, down or up; every instance on the way is in {@code seen}. */
  private int longest(Map<Epoll, Integer> seen, boolean down) {
    Integer known = seen.get(this);
    if (known != null) {
      return known;
    }
    int longest = 0;
    for (Epoll e : down ? inner() : outer) {
      longest = Math.max(longest, e.longest(seen, down));
    }
    seen.put(this, longest + 1);
    return longest + 1;
  }

  private List<Epoll> inner() {
    List<Epoll> found = new ArrayList<>();
    interestLock.lock();
    try {
      for (Key k : items.keySet()) {
        if (k.file.ops() instanceof Epoll e) {
          found.add(e);
        }
      }
    } finally {
      interestLock.unlock();
    }
    return found;
  }

  /** Takes an item that is in no map any more out of everything else. */
  private void detach(Item item) {
    item.isGone = true;
    if (item.key.file.ops() instanceof Epoll inner) {
      inner.outer.remove(this);
    }
    item.key.file.unregister(item);
    readyLock.lock();
    try {
      Item before = null;
      for (Item i = readyHead; i != null; before = i, i = i.next) {
        if (i == item) {
          unlink(before, i);
          return;
        }
      }
    } finally {
      readyLock.unlock();
    }
  }

  private void unlink(Item before, Item item) {
    if (before == null) {
      readyHead = item.next;
    } else {
      before.next = item.next;
    }
    if (readyTail == item) {
      readyTail = before;
    }
    item.next = null;
    item.isQueued = false;
    readyCount--;
  }

  /** Puts the item on the list if it is ready now. */
  private void look(Item item) {
    if (ready(item) != 0) {
      enqueue(item);
      queue.notify(EventMask.READABLE);
    }
  }

  private int ready(Item item) {
    int wanted = item.wanted();
    if (wanted == 0) {
      return 0;
    }
    wanted |= EventMask.ALWAYS;
    return item.key.file.readiness(wanted) & wanted;
  }

  private void enqueue(Item item) {
    readyLock.lock();
    try {
      if (item.isQueued) {
        return;
      }
      item.isQueued = true;
      if (readyTail == null) {
        readyHead = item;
      } else {
        readyTail.next = item;
      }
      readyTail = item;
      readyCount++;
    } finally {
      readyLock.unlock();
    }
  }

  private Item dequeue() {
    readyLock.lock();
    try {
      Item item = readyHead;
      if (item != null) {
        unlink(null, item);
      }
      return item;
    } finally {
      readyLock.unlock();
    }
  }

  /** Stores up to {@code max} events at the start of {@code out}; how many. */
  public int collect(MemorySegment out, int max) {
    int n = 0;
    interestLock.lock();
    try {
      // Level-triggered items go back to the end: each is looked at once.
      for (int left = readyCount; left > 0 && n < max; left--) {
        Item item = dequeue();
        if (item == null) {
          break;
        }
        int ready = item.isGone ? 0 : ready(item);
        if (ready == 0) {
          continue;
        }
        long at = (long) n * EVENT_SIZE;
        out.set(ValueLayout.JAVA_INT_UNALIGNED, at, ready);
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, at + 4, item.data);
        n++;
        if ((item.events & EPOLLONESHOT) != 0) {
          item.events &= FLAGS;
        } else if ((item.events & EPOLLET) == 0) {
          enqueue(item);
        }
      }
    } finally {
      interestLock.unlock();
    }
    return n;
  }

  @Override
  public int readiness(int mask) {
    if (readyCount == 0 || (mask & EventMask.READABLE) == 0) {
      return 0;
    }
    interestLock.lock();
    try {
      for (int left = readyCount; left > 0; left--) {
        Item item = dequeue();
        if (item == null) {
          return 0;
        }
        if (!item.isGone && ready(item) != 0) {
          enqueue(item);
          return EventMask.READABLE & mask;
        }
      }
      return 0;
    } finally {
      interestLock.unlock();
    }
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    queue.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    queue.unregister(entry);
  }

  @Override
  public void release(FileDescription file) {
    List<Item> all;
    interestLock.lock();
    try {
      all = new ArrayList<>(items.values());
      items.clear();
      for (Item item : all) {
        detach(item);
      }
    } finally {
      interestLock.unlock();
    }
    for (Item item : all) {
      item.key.file.removeCloseListener(item);
    }
  }

  @Override
  public String fdInfo(FileDescription file) {
    StringBuilder s = new StringBuilder();
    interestLock.lock();
    try {
      for (Item i : items.values()) {
        s.append(String.format("tfd: %8d events: %8x data: %16x\n", i.key.fd, i.events, i.data));
      }
    } finally {
      interestLock.unlock();
    }
    return s.toString();
  }
}
