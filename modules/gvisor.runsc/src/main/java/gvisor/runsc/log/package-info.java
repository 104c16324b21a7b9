/**
 * Logging of the long-lived processes. log4j2's API is everywhere; its core, which takes a tenth of a second to start,
 * is started when the first record is really written.
 */
package gvisor.runsc.log;
