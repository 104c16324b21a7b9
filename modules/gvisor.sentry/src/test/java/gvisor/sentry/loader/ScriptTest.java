package gvisor.sentry.loader;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.ErrnoException;
import org.junit.jupiter.api.Test;

class ScriptTest {
  private static Script parse(String head) throws ErrnoException {
    return Script.parse(head, 256);
  }

  @Test
  void everythingBehindTheInterpreterIsOneArgument() throws Exception {
    Script s = parse("#! /bin/awk \t -f  -x \t\nBEGIN");
    assertEquals("/bin/awk", s.interpreter());
    assertEquals("-f  -x", s.argument());
    assertArrayEquals(new String[] {"/bin/awk", "-f  -x", "./s", "a"}, s.arguments("./s", new String[] {"s", "a"}));
  }

  @Test
  void argumentMayBeMissing() throws Exception {
    Script s = parse("#!/bin/sh");
    assertEquals("/bin/sh", s.interpreter());
    assertNull(s.argument());
    assertArrayEquals(new String[] {"/bin/sh", "./s"}, s.arguments("./s", new String[0]));
  }

  @Test
  void nameThatDoesNotFitIsRefused() {
    assertThrows(ErrnoException.class, () -> parse("#!" + "x".repeat(254)));
    assertThrows(ErrnoException.class, () -> parse("#!\n"));
    assertThrows(ErrnoException.class, () -> parse("#!  \t\nx"));
  }

  @Test
  void longArgumentIsCut() throws Exception {
    Script s = parse("#!/bin/x " + "a".repeat(247));
    assertEquals(247, s.argument().length());
  }

  @Test
  void onlyTheFirstTwoBytesSayWhatItIs() {
    assertTrue(Script.isScript("#!"));
    assertFalse(Script.isScript("# !"));
    assertFalse(Script.isScript(""));
  }
}
