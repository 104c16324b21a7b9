/** File systems, one package each. */
package gvisor.sentry.fs;
