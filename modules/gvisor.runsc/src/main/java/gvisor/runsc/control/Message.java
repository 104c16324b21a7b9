package gvisor.runsc.control;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.host.Fd;
import java.util.List;

/**
 * One message.
 *
 * @param body a JSON object
 * @param fds descriptors that came with it; owned by the receiver
 */
public record Message(JsonNode body, List<Fd> fds) {
  /** Gives up the descriptors, for a receiver that has no use for them. */
  public void closeFds() {
    fds.forEach(Fd::close);
  }
}
