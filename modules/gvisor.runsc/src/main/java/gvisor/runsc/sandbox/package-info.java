/** The processes of a sandbox: how they are started, and what runs in them. */
package gvisor.runsc.sandbox;
