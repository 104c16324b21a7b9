package gvisor.sentry.fs.proc;

import gvisor.api.host.Host;
import gvisor.sentry.fs.kernfs.Content;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;

/**
 * {@code /proc/cpuinfo}: what the machine says of its first processor, which programs can find out with CPUID anyway,
 * for each processor the application may believe in.
 */
final class CpuInfo implements Content {
  private final Host host;

  CpuInfo(Host host) {
    this.host = host;
  }

  /** How many processors {@code caller} sees. */
  static int count(Host host, Caller caller) {
    return caller instanceof Task t ? t.container().processors() : host.processorCount();
  }

  @Override
  public void write(Caller caller, StringBuilder out) {
    String[] lines = host.processorDescription().split("\n");
    int count = count(host, caller);
    for (int cpu = 0; cpu < count; cpu++) {
      out.append("processor\t: ").append(cpu).append('\n');
      for (String line : lines) {
        int colon = line.indexOf(':');
        String name = colon < 0 ? "" : line.substring(0, colon).strip();
        switch (name) {
          case "", "processor" -> {}
          case "physical id" -> out.append("physical id\t: 0\n");
          case "siblings" -> out.append("siblings\t: ").append(count).append('\n');
          case "core id" -> out.append("core id\t\t: ").append(cpu).append('\n');
          case "cpu cores" -> out.append("cpu cores\t: ").append(count).append('\n');
          case "apicid" -> out.append("apicid\t\t: ").append(cpu).append('\n');
          case "initial apicid" -> out.append("initial apicid\t: ").append(cpu).append('\n');
          default -> out.append(line).append('\n');
        }
      }
      out.append('\n');
    }
  }
}
