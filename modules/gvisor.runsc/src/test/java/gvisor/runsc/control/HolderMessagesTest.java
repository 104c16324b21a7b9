package gvisor.runsc.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import gvisor.host.HolderProgram;
import gvisor.host.ScmSocket;
import gvisor.runsc.json.Json;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The two messages that a holder knows as bytes are what a control connection makes of them. */
class HolderMessagesTest {
  @Test
  void whatTellsAHolderItsExitCodeIsOfTheLengthItKnows() throws Exception {
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
    try (ControlConnection sender = new ControlConnection(pair[0]);
        ScmSocket receiver = pair[1]) {
      for (int code : new int[] {0, 23, 24, 137, 255}) {
        sender.send(Json.object().put("exit", HolderProgram.EXIT_BASE + code), List.of());
        byte[] expected = HolderProgram.exitMessage();
        expected[expected.length - 1] = (byte) code;
        byte[] got = new byte[64];
        int length = (int) receiver.receive(MemorySegment.ofArray(got)).length();
        assertArrayEquals(expected, Arrays.copyOf(got, length));
      }
    }
  }

  @Test
  void aSignalThatAHolderPassesOnIsUnderstood() throws Exception {
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
    try (ScmSocket holder = pair[0];
        ControlConnection sandbox = new ControlConnection(pair[1])) {
      for (int signal : new int[] {1, 15, 28, 64}) {
        byte[] message = HolderProgram.forwardMessage();
        message[message.length - 1] = (byte) signal;
        holder.sendFully(MemorySegment.ofArray(message));
        String expected = "{\"op\":\"forward\",\"signal\":" + signal + "}";
        assertEquals(expected, sandbox.receive().body().toString());
      }
    }
  }
}
