package gvisor.api.host;

import java.lang.foreign.MemorySegment;

/** What {@code sendmsg} and {@code recvmsg} move beside the data ({@code struct msghdr}). One thread, reused. */
public final class HostMessage {
  /** Room for an address: 128 bytes. */
  public final MemorySegment name;

  /** Room for control messages, which are formatted as in memory. */
  public final MemorySegment control;

  /** Valid bytes of {@link #name}; 0 for none. */
  public int nameLength;

  /** Valid bytes of {@link #control}. */
  public int controlLength;

  /** MSG_* that a receive reports. */
  public int flags;

  /** Over memory that stays the caller's. */
  public HostMessage(MemorySegment name, MemorySegment control) {
    this.name = name;
    this.control = control;
  }
}
