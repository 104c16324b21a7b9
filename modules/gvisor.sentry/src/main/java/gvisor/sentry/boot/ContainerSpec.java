package gvisor.sentry.boot;

import gvisor.api.p9.P9Transport;
import gvisor.sentry.seccomp.SeccompProfile;
import java.util.List;

/**
 * A container to make.
 *
 * @param gofer the connection to its gofer; its root is attach name "root"
 * @param rootOverlay keep changes to the root in memory instead of on the host
 * @param seccomp what every process of the container may call, or null for anything
 * @param devices nodes to make, and what may be done with devices
 * @param users which users and groups there are; null for all, without a user namespace
 * @param sharing namespaces of other containers that it lives in
 * @param limits what its processes may use together
 */
public record ContainerSpec(
    String id, String hostname, String domainname, P9Transport gofer, boolean rootReadonly, boolean rootOverlay,
    List<MountSpec> mounts, List<String> maskedPaths, List<String> readonlyPaths, List<String[]> sysctls,
    DeviceSpec devices, UserSpace users, Sharing sharing, Limits limits, ProcessSpec process, SeccompProfile seccomp) {}
