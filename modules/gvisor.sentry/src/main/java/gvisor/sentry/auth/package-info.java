/** Credentials and capabilities ({@code man 7 credentials}, {@code man 7 capabilities}). Values; no locks. */
package gvisor.sentry.auth;
