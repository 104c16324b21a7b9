package gvisor.host.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tables of filters in {@code docs/security.md} are what the filters say. */
class SecurityPageTest {
  private static final Path PAGE = Path.of("../../docs/security.md");
  private static final String BEGIN = "<!-- filters: written by a test -->\n", END = "<!-- end of filters -->";

  @Test
  void pageSaysWhatTheFiltersSay() throws IOException {
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    assertTrue(begin >= BEGIN.length() && end >= begin, "docs/security.md has its marks");
    String written = page.substring(0, begin) + tables() + page.substring(end);
    if (Boolean.getBoolean("updateDocs")) {
      Files.writeString(PAGE, written);
    }
    assertEquals(written, Files.readString(PAGE),
        "docs/security.md is not what the filters say: write it anew with ./test --update-docs");
  }

  @Test
  void aCallHasOneRuleUnderItsName() {
    for (List<Rule> rules :
        List.of(SentryFilter.rules("ptrace"), SentryFilter.rules("kvm"), SentryFilter.rules("other"),
            SentryFilter.rules("ptrace", true), SentryFilter.rules("kvm", true),
            Stream.concat(GoferFilter.rules(3).stream(), GoferFilter.sockets(true, true).stream()).toList(),
            SocketMakerFilter.rules(true))) {
      Set<Integer> numbers = new HashSet<>();
      for (Rule rule : rules) {
        assertTrue(numbers.add(rule.number()), rule.name() + " has two rules");
        assertNotNull(SystemCallNames.of(rule.number()));
        assertEquals(SystemCallNames.of(rule.number()), rule.name());
      }
    }
  }

  private static String tables() {
    StringBuilder text = new StringBuilder();
    text.append("\n### Sandbox\n\n");
    table(text, SentryFilter.rules("ptrace"));
    text.append("\nOn the KVM platform there are no ptrace, wait4 and kill, but:\n\n");
    Set<Rule> common = new HashSet<>(SentryFilter.rules("ptrace"));
    table(text, SentryFilter.rules("kvm").stream().filter(rule -> !common.contains(rule)).toList());
    text.append("\nWith `--network=host` there are besides:\n\n");
    table(text, SentryFilter.passthrough());
    text.append("\n### Gofer\n\n");
    table(text, GoferFilter.rules(0));
    text.append("\nWith `--host-uds=open` also `socket` and `connect`, with `--host-uds=create` also `socket`, `bind` and"
        + " `listen`,\nwith `--host-uds=all` all of them:\n\n");
    table(text, GoferFilter.sockets(true, true));
    text.append("\n### Socket maker\n\n");
    table(text, SocketMakerFilter.rules(true));
    return text.append('\n').toString();
  }

  private static void table(StringBuilder text, List<Rule> rules) {
    text.append("| call | outcome | why |\n|---|---|---|\n");
    String why = "";
    for (Rule rule : rules) {
      why = rule.why().equals("as above") ? why : rule.why();
      text.append("| `%s` | %s | %s |\n".formatted(rule.name(), rule.outcome(), why));
    }
  }
}
