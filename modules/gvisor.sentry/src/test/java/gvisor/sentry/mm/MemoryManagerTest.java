package gvisor.sentry.mm;

import static gvisor.sentry.mm.FakeMachine.load;
import static gvisor.sentry.mm.FakeMachine.store;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class MemoryManagerTest {
  private static final int PAGE = 4096;
  private static final int RW = 3;
  private static final int PRIVATE = MapFlags.MAP_PRIVATE | MapFlags.MAP_ANONYMOUS;

  private final FakeMachine machine = new FakeMachine(64 << 20);
  private final MemoryManager mm = machine.newMemory();

  private static long map(MemoryManager mm, long length, int prot) throws ErrnoException {
    return mm.mappings().map(0, length, prot, PRIVATE, null, null, 0, 7, true);
  }

  private static void assertErrno(Errno want, Executable call) {
    assertEquals(want, assertThrows(ErrnoException.class, call).errno());
  }

  private static void assertSignal(FaultResult want, Executable call) {
    assertEquals(want, assertThrows(FakeMachine.Fault.class, call).result);
  }

  @Test
  void kernelAndApplicationSeeTheSameMemory() throws Exception {
    long p = map(mm, 1 << 20, RW);
    assertEquals(0, load(mm, p));
    store(mm, p + 8, 0x12345678);
    assertEquals(0x12345678, mm.readInt(p + 8));
    mm.writeLong(p + PAGE - 4, 0x1122334455667788L);
    assertEquals(0x55667788, load(mm, p + PAGE - 4));
    assertEquals(0x11223344, load(mm, p + PAGE));
    assertEquals(0x1122334455667788L, mm.readLong(p + PAGE - 4));
  }

  @Test
  void badAddressesAreEfault() throws Exception {
    long p = map(mm, PAGE, RW);
    assertErrno(Errno.EFAULT, () -> mm.readInt(0x10));
    assertErrno(Errno.EFAULT, () -> mm.readInt(-8));
    assertErrno(Errno.EFAULT, () -> mm.writeLong(p + PAGE - 4, 1));
    assertErrno(Errno.EFAULT, () -> mm.copyIn(p, MemorySegment.ofArray(new byte[2 * PAGE]), 0, 2 * PAGE));
    mm.mappings().protect(p, PAGE, 1);
    assertErrno(Errno.EFAULT, () -> mm.writeByte(p, (byte) 1));
    assertEquals(0, mm.readByte(p));
    mm.mappings().protect(p, PAGE, 0);
    assertErrno(Errno.EFAULT, () -> mm.readByte(p));
  }

  @Test
  void storesToWhatMayNotBeStoredToAreViolations() throws Exception {
    long p = map(mm, PAGE, 1);
    assertEquals(0, load(mm, p));
    assertSignal(FaultResult.SEGV_ACCERR, () -> store(mm, p, 1));
    assertEquals(0, load(mm, p));
    assertSignal(FaultResult.SEGV_ACCERR, () -> store(mm, p, 1));
    assertSignal(FaultResult.SEGV_MAPERR, () -> load(mm, p + PAGE));
    mm.mappings().protect(p, PAGE, 0);
    assertSignal(FaultResult.SEGV_ACCERR, () -> load(mm, p));
  }

  @Test
  void staleFaultIsNoViolation() throws Exception {
    long p = map(mm, PAGE, 1);
    assertEquals(FaultResult.OK, mm.handleFault(p, 1));
    // The platform forgets: the page is mapped again, once.
    mm.addressSpace().unmap(p, PAGE);
    assertEquals(0, load(mm, p));
  }

  @Test
  void forkedMemoryIsCopiedOnWrite() throws Exception {
    long p = map(mm, 1 << 20, RW);
    for (int i = 0; i < 64; i++) {
      store(mm, p + i * PAGE, i + 1);
    }
    MemoryManager child = mm.fork(MmLimits.DEFAULT);
    for (int i = 0; i < 64; i++) {
      assertEquals(i + 1, load(child, p + i * PAGE));
    }
    store(child, p, 100);
    store(mm, p + 40 * PAGE, 200);
    mm.writeInt(p + 20 * PAGE, 300);
    child.writeInt(p + 60 * PAGE, 400);
    assertEquals(1, load(mm, p));
    assertEquals(100, child.readInt(p));
    assertEquals(41, load(child, p + 40 * PAGE));
    assertEquals(300, load(mm, p + 20 * PAGE));
    assertEquals(21, load(child, p + 20 * PAGE));
    assertEquals(61, load(mm, p + 60 * PAGE));
    assertEquals(400, load(child, p + 60 * PAGE));
    child.release();
    store(mm, p + 50 * PAGE, 500);
    assertEquals(500, mm.readInt(p + 50 * PAGE));
    mm.release();
    assertEquals(0, machine.pages.allocatedBytes());
  }

  @Test
  void aloneAgainNothingIsCopied() throws Exception {
    long p = map(mm, 1 << 20, RW);
    store(mm, p, 1);
    long offset = mm.pmas.find(p).at(p);
    mm.fork(MmLimits.DEFAULT).release();
    store(mm, p, 2);
    assertEquals(offset, mm.pmas.find(p).at(p));
  }

  @Test
  void whatIsStoredToAfterForksIsCopiedByThem() throws Exception {
    long p = map(mm, 1 << 20, RW);
    for (int i = 0; i < 64; i++) {
      store(mm, p + i * PAGE, i + 1);
    }
    mm.expectStore(p + 8 * PAGE);
    for (long nowhere : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, -4096, 1L << 47}) {
      mm.expectStore(nowhere); // registers hold what the program likes
    }
    MemoryManager first = mm.fork(MmLimits.DEFAULT);
    assertTrue(mm.pmas.find(p + 8 * PAGE).owned);
    assertTrue(first.pmas.find(p + 8 * PAGE).owned);
    assertFalse(mm.pmas.find(p + 32 * PAGE).owned);
    store(first, p + 8 * PAGE, 100);
    store(mm, p + 9 * PAGE, 200);
    assertEquals(9, load(mm, p + 8 * PAGE));
    assertEquals(10, load(first, p + 9 * PAGE));
    store(mm, p + 8 * PAGE, 9);
    assertEquals(100, load(first, p + 8 * PAGE));
    store(first, p + 32 * PAGE, 300); // noted
    first.release();
    store(mm, p + 32 * PAGE, 400);
    MemoryManager second = mm.fork(MmLimits.DEFAULT);
    assertTrue(second.pmas.find(p + 32 * PAGE).owned);
    assertEquals(400, load(second, p + 32 * PAGE));
    second.release();
    for (int i = 0; i < 64; i++) {
      assertEquals(i == 9 ? 200 : i == 32 ? 400 : i + 1, load(mm, p + i * PAGE), "page " + i);
    }
    mm.release();
    assertEquals(0, machine.pages.allocatedBytes());
  }

  @Test
  void memoryThatTasksShareIsNotCopiedByForks() throws Exception {
    long p = map(mm, PAGE, RW);
    store(mm, p, 1);
    mm.expectStore(p);
    mm.acquire();
    MemoryManager child = mm.fork(MmLimits.DEFAULT);
    assertFalse(child.pmas.find(p).owned);
    store(mm, p, 2);
    assertEquals(1, load(child, p));
  }

  @Test
  void adviceForForkIsHeeded() throws Exception {
    long dont = map(mm, PAGE, RW);
    long wipe = map(mm, PAGE, RW);
    store(mm, dont, 1);
    store(mm, wipe, 2);
    mm.advice().advise(dont, PAGE, MemoryAdvice.MADV_DONTFORK);
    mm.advice().advise(wipe, PAGE, MemoryAdvice.MADV_WIPEONFORK);
    MemoryManager child = mm.fork(MmLimits.DEFAULT);
    assertErrno(Errno.EFAULT, () -> child.readInt(dont));
    assertEquals(0, child.readInt(wipe));
    assertEquals(2, mm.readInt(wipe));
  }

  @Test
  void sharedMemoryStaysShared() throws Exception {
    SharedAnonymous memory = new SharedAnonymous(machine.pages, 8 << 20, "", 0, 0);
    long p = mm.mappings().map(0, 8 << 20, RW, MapFlags.MAP_SHARED, memory, memory, 0, 7, true);
    memory.release();
    store(mm, p + (5 << 20), 5);
    MemoryManager child = mm.fork(MmLimits.DEFAULT);
    store(child, p + (5 << 20), 6);
    assertEquals(6, load(mm, p + (5 << 20)));
    assertEquals(mm.sharedFutexKey(p + 64), child.sharedFutexKey(p + 64));
    assertNotEquals(-1, mm.sharedFutexKey(p + 64));
    child.release();
    mm.release();
    assertEquals(0, machine.pages.allocatedBytes());
  }

  @Test
  void unmappedMemoryIsGone() throws Exception {
    long p = map(mm, 16 * PAGE, RW);
    store(mm, p + 8 * PAGE, 8);
    mm.mappings().unmap(p + 4 * PAGE, 8 * PAGE);
    assertSignal(FaultResult.SEGV_MAPERR, () -> load(mm, p + 8 * PAGE));
    assertEquals(0, load(mm, p + 12 * PAGE));
    assertEquals(2, mm.vmas.size());
    long again = mm.mappings().map(p + 4 * PAGE, 8 * PAGE, RW, PRIVATE | MapFlags.MAP_FIXED, null, null, 0, 7, true);
    assertEquals(0, load(mm, again + 4 * PAGE));
    assertEquals(1, mm.vmas.size());
  }

  @Test
  void dontNeedGivesZeros() throws Exception {
    long p = map(mm, 16 * PAGE, RW);
    store(mm, p + PAGE, 1);
    store(mm, p + 2 * PAGE, 2);
    mm.advice().advise(p + PAGE, PAGE, MemoryAdvice.MADV_DONTNEED);
    assertEquals(0, load(mm, p + PAGE));
    assertEquals(2, load(mm, p + 2 * PAGE));
    MemoryManager child = mm.fork(MmLimits.DEFAULT);
    mm.advice().advise(p, 16 * PAGE, MemoryAdvice.MADV_DONTNEED);
    assertEquals(0, load(mm, p + 2 * PAGE));
    assertEquals(2, load(child, p + 2 * PAGE));
  }

  @Test
  void movedMemoryKeepsItsContent() throws Exception {
    long p = map(mm, 4 * PAGE, RW);
    map(mm, PAGE, 0);
    store(mm, p + 3 * PAGE, 3);
    long q = mm.remapping().remap(p, 4 * PAGE, 8 * PAGE, Remapping.MREMAP_MAYMOVE, 0, true);
    assertEquals(3, load(mm, q + 3 * PAGE));
    store(mm, q + 7 * PAGE, 7);
    if (q != p) {
      assertSignal(FaultResult.SEGV_MAPERR, () -> load(mm, p));
    }
    long r = mm.remapping().remap(q, 8 * PAGE, 2 * PAGE, 0, 0, true);
    assertEquals(q, r);
    assertSignal(FaultResult.SEGV_MAPERR, () -> load(mm, q + 3 * PAGE));
    assertErrno(Errno.EFAULT, () -> mm.remapping().remap(0x100000, PAGE, PAGE, 0, 0, true));
  }

  @Test
  void stackGrowsToItsLimit() throws Exception {
    long top = 0x7ff0_0000_0000L;
    int flags = PRIVATE | MapFlags.MAP_FIXED | MapFlags.MAP_GROWSDOWN;
    mm.mappings().map(top - PAGE, PAGE, RW, flags, null, null, 0, 7, true);
    store(mm, top - (1 << 20), 1);
    store(mm, top - (8 << 20) + 64, 2);
    assertSignal(FaultResult.SEGV_MAPERR, () -> store(mm, top - (8 << 20) - 64, 3));
  }

  @Test
  void heapMovesWithTheBreak() throws Exception {
    mm.layout().startBrk = 0x100000;
    mm.layout().brk = 0x100000;
    assertEquals(0x100000, mm.mappings().brk(0));
    assertEquals(0x103010, mm.mappings().brk(0x103010));
    store(mm, 0x103ff0, 1);
    assertEquals(0x101000, mm.mappings().brk(0x101000));
    assertSignal(FaultResult.SEGV_MAPERR, () -> load(mm, 0x103ff0));
    assertEquals(0x104000, mm.mappings().brk(0x104000));
    assertEquals(0, load(mm, 0x103ff0));
  }

  @Test
  void neighboursAreNeighboursInTheMemoryFile() throws Exception {
    long p = mm.mappings().map(0x10000000L, 4 << 20, RW, PRIVATE | MapFlags.MAP_FIXED, null, null, 0, 7, true);
    store(mm, p, 1);
    mm.mappings().map(p + (4 << 20), 4 << 20, RW, PRIVATE | MapFlags.MAP_FIXED, null, null, 0, 7, true);
    store(mm, p + (4 << 20), 2);
    assertEquals(1, mm.pmas.size());
  }

  @Test
  void protectionIsNarrowedInThePlatform() throws Exception {
    long p = map(mm, 8 * PAGE, RW);
    store(mm, p + 2 * PAGE, 2);
    mm.mappings().protect(p + 2 * PAGE, PAGE, 1);
    assertSignal(FaultResult.SEGV_ACCERR, () -> store(mm, p + 2 * PAGE, 3));
    assertEquals(2, load(mm, p + 2 * PAGE));
    mm.mappings().protect(p + 2 * PAGE, PAGE, RW);
    store(mm, p + 2 * PAGE, 4);
    assertEquals(1, mm.vmas.size());
    assertErrno(Errno.ENOMEM, () -> mm.mappings().protect(p, 16 * PAGE, 1));
    assertErrno(Errno.EINVAL, () -> mm.mappings().protect(p + 1, PAGE, 1));
  }

  @Test
  void iovecIsCopiedAcrossPieces() throws Exception {
    long p = map(mm, 4 * PAGE, RW);
    mm.writeLong(p, p + PAGE);
    mm.writeLong(p + 8, 3);
    mm.writeLong(p + 16, p + 2 * PAGE);
    mm.writeLong(p + 24, 0);
    mm.writeLong(p + 32, p + 3 * PAGE);
    mm.writeLong(p + 40, 5);
    UserBuffer b = new UserBuffer();
    mm.wrapVector(b, p, 3);
    assertEquals(8, b.remaining());
    assertEquals(8, b.put(MemorySegment.ofArray("abcdefghij".getBytes()), 0, 10));
    assertEquals("abc", mm.readString(p + PAGE, 10));
    assertEquals("defgh", mm.readString(p + 3 * PAGE, 10));
    mm.wrapVector(b, p, 3);
    byte[] back = new byte[8];
    assertEquals(8, b.get(MemorySegment.ofArray(back), 0, 8));
    assertEquals("abcdefgh", new String(back));
    assertErrno(Errno.EINVAL, () -> mm.wrapVector(b, p, 1025));
    mm.writeLong(p + 8, -1);
    assertErrno(Errno.EINVAL, () -> mm.wrapVector(b, p, 3));
  }

  @Test
  void copyStopsAtTheFirstBadPage() throws Exception {
    long p = map(mm, 2 * PAGE, RW);
    UserBuffer b = new UserBuffer();
    mm.wrap(b, p + PAGE, 3 * PAGE);
    assertEquals(PAGE, b.put(MemorySegment.ofArray(new byte[2 * PAGE]), 0, 2 * PAGE));
    assertErrno(Errno.EFAULT, () -> b.put(MemorySegment.ofArray(new byte[8]), 0, 8));
  }

  @Test
  void stringsEndSomewhere() throws Exception {
    long p = map(mm, PAGE, RW);
    MemorySegment a = MemorySegment.ofArray("hello\0".getBytes());
    mm.copyOut(p + PAGE - 6, a, 0, 6);
    assertEquals("hello", mm.readString(p + PAGE - 6, 5));
    assertErrno(Errno.ENAMETOOLONG, () -> mm.readString(p + PAGE - 6, 4));
    mm.writeByte(p + PAGE - 1, (byte) 'x');
    assertErrno(Errno.EFAULT, () -> mm.readString(p + PAGE - 6, 100));
    assertEquals(6, mm.stringLength(p + PAGE - 6, 6));
  }

  @Test
  void placesAreKeptAndRefused() throws Exception {
    int fixed = PRIVATE | MapFlags.MAP_FIXED_NOREPLACE;
    long p = mm.mappings().map(0x200000, PAGE, RW, fixed, null, null, 0, 7, true);
    assertEquals(0x200000, p);
    assertErrno(Errno.EEXIST, () -> mm.mappings().map(0x200000, PAGE, RW, fixed, null, null, 0, 7, true));
    assertErrno(Errno.EPERM, () -> mm.mappings().map(0x1000, PAGE, RW, fixed, null, null, 0, 7, true));
    assertErrno(Errno.ENOMEM, () -> map(mm, -1L, RW));
    assertErrno(Errno.EINVAL, () -> map(mm, 0, RW));
    long low = mm.mappings().map(0, PAGE, RW, PRIVATE | MapFlags.MAP_32BIT, null, null, 0, 7, true);
    assertTrue(low > 0 && low < 1L << 31);
  }

  @Test
  void outOfMemoryIsSaidAndSurvived() throws Exception {
    FakeMachine small = new FakeMachine(1 << 20);
    MemoryManager m = small.newMemory();
    long p = map(m, 4 << 20, RW);
    FaultResult last = FaultResult.OK;
    for (int i = 0; i < 1024 && last == FaultResult.OK; i++) {
      last = m.handleFault(p + (long) i * PAGE, 2);
    }
    assertEquals(FaultResult.OUT_OF_MEMORY, last);
    assertErrno(Errno.EFAULT, () -> m.writeInt(p + (4 << 20) - 4, 1));
    m.release();
    assertFalse(small.pages.allocatedBytes() > 0);
  }

  @Test
  void truncatedFilePagesGoAway() throws Exception {
    TestFile f = new TestFile(machine.pages, 4);
    long p = mm.mappings().map(0, 8 * PAGE, RW, MapFlags.MAP_SHARED, f, f, 0, 7, true);
    store(mm, p + 3 * PAGE, 33);
    assertSignal(FaultResult.BUS_ADRERR, () -> load(mm, p + 4 * PAGE));
    assertErrno(Errno.EFAULT, () -> mm.readInt(p + 4 * PAGE));
    f.truncate(2);
    assertSignal(FaultResult.BUS_ADRERR, () -> load(mm, p + 3 * PAGE));
    mm.mappings().unmap(p, 8 * PAGE);
    assertTrue(f.mappingSpace().isEmpty());
    assertEquals(0, f.references);
    f.truncate(0);
    assertEquals(0, machine.pages.allocatedBytes());
  }

  @Test
  void privateFileMappingIsCopied() throws Exception {
    TestFile f = new TestFile(machine.pages, 4);
    long p = mm.mappings().map(0, 4 * PAGE, RW, MapFlags.MAP_PRIVATE, f, f, 0, 7, true);
    long q = mm.mappings().map(0, 4 * PAGE, 1, MapFlags.MAP_SHARED, f, f, 0, 7, true);
    store(mm, p + PAGE, 9);
    assertEquals(9, load(mm, p + PAGE));
    assertEquals(101, load(mm, q + PAGE));
    assertEquals(102, load(mm, p + 2 * PAGE));
    mm.advice().advise(p, 4 * PAGE, MemoryAdvice.MADV_DONTNEED);
    assertEquals(101, load(mm, p + PAGE));
  }

  @Test
  void aBufferMovesBackOverThePiecesOfAnIovec() throws Exception {
    long p = map(mm, PAGE, RW);
    long[] lengths = {3, 0, 4, 0, 5};
    for (int i = 0; i < lengths.length; i++) {
      mm.writeLong(p + 16L * i, p + 1024 + 100L * i);
      mm.writeLong(p + 16L * i + 8, lengths[i]);
    }
    UserBuffer buffer = new UserBuffer();
    mm.wrapVector(buffer, p, lengths.length);
    MemorySegment from = MemorySegment.ofArray("abcdefghijkl".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    assertEquals(12, buffer.put(from, 0, 12));
    for (int back = 1; back <= 12; back++) {
      buffer.retreat(back);
      assertEquals(back, buffer.remaining());
      byte[] again = new byte[back];
      assertEquals(back, buffer.get(MemorySegment.ofArray(again), 0, back));
      assertEquals("abcdefghijkl".substring(12 - back), new String(again, java.nio.charset.StandardCharsets.US_ASCII));
    }
  }
}
