package gvisor.sentry.kernel;

/** What a tracer sees of a task it traces ({@code man 2 ptrace}). */
final class Tracee {
  private final Task tracer;

  Tracee(Task tracer) {
    this.tracer = tracer;
  }

  Task tracer() {
    return tracer;
  }

  boolean isStopped() {
    return false;
  }

  boolean wantsSyscalls() {
    return false;
  }

  boolean wantsSeccomp() {
    return false;
  }

  boolean syscallEntry() {
    return false;
  }

  void syscallExit(long result) {}

  void seccompStop(int data) {}

  void interruptStop() {}

  SigInfo signalStop(SigInfo info) {
    return info;
  }

  boolean mayGainRights() {
    return true;
  }

  void execStop(int oldTid) {}

  void exitStop() {}

  void afterBirth() {}

  void exited(Task t) {}

  void cloned(Task child, CloneArgs args) {}

  void cloneStop(Task child, CloneArgs args) {}

  void vforkDoneStop(Task child) {}

  int unreportedStop(boolean consume) {
    return 0;
  }
}
