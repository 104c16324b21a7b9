package gvisor.tests.arch;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who may touch what: the rules of {@code docs/architecture.md} that the module system cannot express. */
class ArchitectureTest {
  private static final List<String> MODULES =
      List.of(
          "gvisor.api", "gvisor.host", "gvisor.sentry", "gvisor.platform.ptrace", "gvisor.platform.kvm",
          "gvisor.gofer", "gvisor.runsc");

  /** Everything of the JDK that reaches a file, a process, a socket or native code of the host. */
  private static final DescribedPredicate<JavaClass> HOST_API =
      resideInAnyPackage(
              "java.nio.file..", "java.nio.channels..", "java.net..", "com.sun.jna..", "sun.misc..", "jnr..",
              "gvisor.host..", "javax.net..", "java.rmi..", "java.util.zip..", "java.util.jar..")
          .or(
              describe(
                  "host file and process classes of java.io and java.lang",
                  c ->
                      List.of(
                              "java.io.File", "java.io.FileInputStream", "java.io.FileOutputStream",
                              "java.io.FileReader", "java.io.FileWriter", "java.io.FileDescriptor",
                              "java.io.RandomAccessFile", "java.lang.ProcessBuilder", "java.lang.Process",
                              "java.lang.ProcessHandle", "java.lang.Runtime", "java.lang.foreign.Linker",
                              "java.lang.foreign.SymbolLookup")
                          .contains(c.getName())))
          .as("host APIs");

  private static JavaClasses all;

  @BeforeAll
  static void importModules() {
    List<Path> paths =
        MODULES.stream().map(m -> Path.of("..", "modules", m, "target", "classes")).filter(Files::isDirectory).toList();
    all = new ClassFileImporter().importPaths(paths);
    assertTrue(all.size() > 50, "the modules' classes are where this test looks for them");
  }

  /** Classes below {@code packages} never name a host API. */
  private static ArchRule namesNoHostApi(String packages) {
    return noClasses().that().resideInAPackage(packages).should().dependOnClassesThat(HOST_API);
  }

  private static ArchRule reinterpretsNoMemory(String... exceptIn) {
    return noClasses()
        .that()
        .resideOutsideOfPackages(exceptIn)
        .should()
        .callMethodWhere(
            describe(
                "MemorySegment.reinterpret",
                call ->
                    call.getTarget().getName().equals("reinterpret")
                        && call.getTargetOwner().isEquivalentTo(MemorySegment.class)));
  }

  @Test
  void sentryNamesNoHostFileProcessOrSocketApi() {
    namesNoHostApi("gvisor.sentry..").check(all);
  }

  @Test
  void theHostApiRuleFailsWhereItShould() {
    JavaClasses fixtures = new ClassFileImporter().importPackages("gvisor.tests.arch.fixture");
    for (String kind : List.of("NamesFile", "NamesSocket", "NamesProcess")) {
      JavaClasses one = fixtures.that(describe(kind, c -> c.getSimpleName().equals(kind)));
      assertFalse(one.isEmpty(), kind);
      assertThrows(AssertionError.class, () -> namesNoHostApi("gvisor.tests.arch.fixture..").check(one), kind);
    }
    JavaClasses reinterpreting = fixtures.that(describe("", c -> c.getSimpleName().equals("Reinterprets")));
    assertThrows(AssertionError.class, () -> reinterpretsNoMemory("gvisor.host..").check(reinterpreting));
  }

  @Test
  void onlyTheHostModuleCallsNativeCode() {
    noClasses()
        .that()
        .resideOutsideOfPackage("gvisor.host..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.sun.jna..")
        .check(all);
    reinterpretsNoMemory("gvisor.host..").check(all);
  }

  @Test
  void theContractsDependOnNothing() {
    noClasses()
        .that()
        .resideInAPackage("gvisor.api..")
        .should()
        .dependOnClassesThat(
            describe("other than java.* and gvisor.api", c -> !c.getPackageName().startsWith("gvisor.api")
                && !c.getPackageName().startsWith("java.")
                && !c.isPrimitive()
                && !c.isArray()))
        .check(all);
  }

  @Test
  void partsOfTheSentryHaveNoCycles() {
    slices().assignedFrom(new SentryParts()).should().beFreeOfCycles().check(all);
  }

  @Test
  void partsOfTheRuntimeHaveNoCycles() {
    slices().matching("gvisor.runsc.(*)..").should().beFreeOfCycles().allowEmptyShould(true).check(all);
  }

  @Test
  void filesAndMemoryDoNotKnowTheKernel() {
    noClasses()
        .that()
        .resideInAnyPackage("gvisor.sentry.vfs..", "gvisor.sentry.mm..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("gvisor.sentry.kernel..")
        .allowEmptyShould(true)
        .check(all);
  }

  @Test
  void onlyTheAssemblerNamesConcreteFileSystems() {
    noClasses()
        .that()
        .resideInAPackage("gvisor.sentry..")
        .and()
        .resideOutsideOfPackages("gvisor.sentry.boot..", "gvisor.sentry.fs..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "gvisor.sentry.fs.proc..", "gvisor.sentry.fs.sys..", "gvisor.sentry.fs.dev..",
            "gvisor.sentry.fs.devpts..", "gvisor.sentry.fs.overlay..", "gvisor.sentry.fs.gofer..")
        .allowEmptyShould(true)
        .check(all);
    // A memfd is a file of tmpfs, as on Linux; nothing else may know one.
    noClasses()
        .that()
        .resideInAPackage("gvisor.sentry..")
        .and()
        .resideOutsideOfPackages("gvisor.sentry.boot..", "gvisor.sentry.fs..")
        .and()
        .doNotHaveSimpleName("SysMemfd")
        .and()
        .doNotHaveSimpleName("SysFcntl")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("gvisor.sentry.fs.tmpfs..")
        .check(all);
  }

  @Test
  void platformsDoNotKnowTheSentry() {
    noClasses()
        .that()
        .resideInAnyPackage("gvisor.platform..", "gvisor.host..", "gvisor.gofer..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("gvisor.sentry..")
        .check(all);
  }
}
