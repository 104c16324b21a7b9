/** The OCI run-time specification: {@code config.json} as records, checked as it is read. */
package gvisor.runsc.spec;
